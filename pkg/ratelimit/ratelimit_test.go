package ratelimit_test

import (
	"fmt"
	"net"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/redistest"
)

var rule = ratelimit.Rule{Name: "test", Burst: 3, Period: 900 * time.Millisecond}

// keepsTheRule runs what every limiter promises. Redis counts by its own clock, so the bounds leave it a little room.
func keepsTheRule(t *testing.T, l ratelimit.Limiter) {
	t.Helper()
	const slack = 100 * time.Millisecond
	ctx := t.Context()
	for i := range rule.Burst {
		r := l.Allow(ctx, rule, "ada")
		if !r.Allowed || r.Retry != 0 || r.Rule != rule {
			t.Fatalf("request %d: %+v", i+1, r)
		}
		if want := rule.Burst - i - 1; r.Remaining != want {
			t.Errorf("request %d: %d remain, want %d", i+1, r.Remaining, want)
		}
		if want := time.Duration(i+1) * 300 * time.Millisecond; r.Reset > want || r.Reset < want-slack {
			t.Errorf("request %d: the bucket is full in %v, want about %v", i+1, r.Reset, want)
		}
	}
	refused := l.Allow(ctx, rule, "ada")
	if refused.Allowed || refused.Remaining != 0 || refused.Retry <= 0 || refused.Retry > 300*time.Millisecond {
		t.Fatalf("above the burst: %+v", refused)
	}
	other := rule
	other.Name = "other"
	if !l.Allow(ctx, rule, "bob").Allowed || !l.Allow(ctx, other, "ada").Allowed {
		t.Error("another key or rule is refused")
	}
	time.Sleep(refused.Retry + time.Millisecond)
	if r := l.Allow(ctx, rule, "ada"); !r.Allowed {
		t.Errorf("after Retry: %+v", r)
	}
	if r := l.Allow(ctx, rule, "ada"); r.Allowed {
		t.Errorf("one comes back at a time: %+v", r)
	}
	time.Sleep(rule.Period + time.Millisecond)
	if r := l.Allow(ctx, rule, "ada"); !r.Allowed || r.Remaining != rule.Burst-1 {
		t.Errorf("after a whole period: %+v", r)
	}
	for range 100 {
		if !l.Allow(ctx, ratelimit.Rule{Name: "none"}, "ada").Allowed {
			t.Fatal("the zero rule limits")
		}
	}
}

func TestMemoryKeepsTheRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { keepsTheRule(t, ratelimit.NewMemory()) })
}

func TestRedisKeepsTheRule(t *testing.T) {
	keepsTheRule(t, ratelimit.NewRedis(dial(t, redistest.Start(t))))
}

func TestReplicasShareTheirCounts(t *testing.T) {
	url := redistest.Start(t)
	one, other := ratelimit.NewRedis(dial(t, url)), ratelimit.NewRedis(dial(t, url))
	slow := ratelimit.Rule{Name: "shared", Burst: 2, Period: time.Hour}
	shared := 0
	for n := range 20 { // a busy machine may take above 20 ms for an answer now and then, and the replica counts alone
		user := fmt.Sprint("user ", n)
		if !one.Allow(t.Context(), slow, user).Allowed || !other.Allow(t.Context(), slow, user).Allowed {
			t.Error("refused within the burst")
		}
		if !one.Allow(t.Context(), slow, user).Allowed && !other.Allow(t.Context(), slow, user).Allowed {
			shared++
		}
	}
	if shared < 10 {
		t.Errorf("of 20 users %d were counted by both together", shared)
	}
}

// A Redis that does not answer costs a request in a second 20 ms, and the replica counts alone.
func TestWithoutRedisAReplicaCountsAlone(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	l := ratelimit.NewRedis(dial(t, "redis://"+silent.Addr().String()))
	slow := ratelimit.Rule{Name: "alone", Burst: 2, Period: time.Hour}
	allowed := 0
	start := time.Now()
	for range 50 {
		if l.Allow(t.Context(), slow, "ada").Allowed {
			allowed++
		}
	}
	if allowed != 2 {
		t.Errorf("%d of 50 were allowed, want the burst of 2", allowed)
	}
	if took := time.Since(start); took > 500*time.Millisecond {
		t.Errorf("fifty requests took %v", took)
	}
}

func TestOnceRedisIsBackItCountsForAll(t *testing.T) {
	server := redistest.StartServer(t)
	one, other := ratelimit.NewRedis(dial(t, server.URL())), ratelimit.NewRedis(dial(t, server.URL()))
	slow := ratelimit.Rule{Name: "back", Burst: 1, Period: time.Hour}
	server.Pause(t)
	one.Allow(t.Context(), slow, "ada")
	server.Resume(t)
	for deadline, i := time.Now().Add(10*time.Second), 0; ; i++ {
		key := strconv.Itoa(i)
		other.Allow(t.Context(), slow, key)
		if !one.Allow(t.Context(), slow, key).Allowed {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it counts alone still")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func dial(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	client, err := broker.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
