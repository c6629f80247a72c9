package ratelimit

import (
	"context"
	"sync"
	"time"
)

// A limiter forgets full buckets, which are as good as none, whenever it holds twice as many keys as were left the last time, and at mostKeys. Where more than
// three quarters of mostKeys are left then, others are forgotten too, whichever they are, until half are.
const (
	fewKeys  = 1000
	mostKeys = 100_000
)

// Memory counts in this process alone.
type Memory struct {
	mu    sync.Mutex
	start time.Time
	tats  map[string]time.Duration // since start
	next  int                      // keys at which full buckets are forgotten
}

// NewMemory returns a limiter with all buckets full.
func NewMemory() *Memory {
	return &Memory{start: time.Now(), tats: map[string]time.Duration{}, next: fewKeys}
}

// Allow counts one request of key.
func (m *Memory) Allow(_ context.Context, rule Rule, key string) Result {
	if rule.Burst == 0 {
		return Result{Allowed: true}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Since(m.start)
	if len(m.tats) >= m.next {
		m.forget(now)
	}
	key = rule.Name + ":" + key
	result, tat := rule.decide(m.tats[key], now)
	m.tats[key] = tat
	return result
}

func (m *Memory) forget(now time.Duration) {
	for key, tat := range m.tats {
		if tat <= now {
			delete(m.tats, key)
		}
	}
	if len(m.tats) > mostKeys*3/4 { // else it would soon go through all of them again
		m.forgetAny(len(m.tats) - mostKeys/2)
	}
	m.next = min(max(fewKeys, 2*len(m.tats)), mostKeys)
}

func (m *Memory) forgetAny(n int) {
	for key := range m.tats {
		if n--; n < 0 {
			return
		}
		delete(m.tats, key)
	}
}
