package ratelimit

import (
	"context"
	"sync"
	"time"
)

// memoryKeys bounds the memory of a limiter: when it holds so many keys, the full buckets are forgotten, and others, whichever they are, until half are left.
const memoryKeys = 100_000

// Memory counts in this process alone.
type Memory struct {
	mu    sync.Mutex
	start time.Time
	tats  map[string]time.Duration // since start
}

// NewMemory returns a limiter with all buckets full.
func NewMemory() *Memory {
	return &Memory{start: time.Now(), tats: map[string]time.Duration{}}
}

// Allow counts one request of key.
func (m *Memory) Allow(_ context.Context, rule Rule, key string) Result {
	if rule.Burst == 0 {
		return Result{Allowed: true}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Since(m.start)
	if len(m.tats) >= memoryKeys {
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
	for key := range m.tats {
		if len(m.tats) <= memoryKeys/2 {
			break
		}
		delete(m.tats, key)
	}
}
