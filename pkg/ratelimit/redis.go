package ratelimit

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	redisWait = 20 * time.Millisecond // the longest that a request waits for Redis before it is counted by this replica alone
	aloneFor  = time.Second           // in which this replica counts alone, after Redis has not answered
)

// script is Rule.decide in Redis, in microseconds of Redis's own clock. It answers {allowed, tat - now}.
var script = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local tat = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local nxt = tat + tonumber(ARGV[1])
if nxt - now > tonumber(ARGV[2]) then return {0, tat - now} end
redis.call('SET', KEYS[1], string.format('%.0f', nxt), 'PX', math.ceil((nxt - now) / 1000))
return {1, nxt - now}`)

// Redis shares its counts with every replica, and counts alone while Redis is away, which costs one request a second redisWait.
type Redis struct {
	client redis.UniversalClient
	alone  *Memory
	start  time.Time
	away   atomic.Int64 // until then, in nanoseconds since start, Redis is not asked
}

// NewRedis returns a limiter over the client, which stays the caller's to close.
func NewRedis(client redis.UniversalClient) *Redis {
	return &Redis{client: client, alone: NewMemory(), start: time.Now()}
}

// Allow counts one request of key.
func (l *Redis) Allow(ctx context.Context, rule Rule, key string) Result {
	if rule.Burst == 0 {
		return Result{Allowed: true}
	}
	if int64(time.Since(l.start)) < l.away.Load() {
		return l.alone.Allow(ctx, rule, key)
	}
	asked, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	answer, err := script.Run(asked, l.client, []string{"confab:rate:" + rule.Name + ":" + key},
		rule.interval().Microseconds(), rule.Period.Microseconds()).Int64Slice()
	if err != nil || len(answer) != 2 {
		if ctx.Err() == nil { // else it was the caller who left
			l.away.Store(int64(time.Since(l.start) + aloneFor))
		}
		return l.alone.Allow(ctx, rule, key)
	}
	ahead := time.Duration(answer[1]) * time.Microsecond
	if answer[0] == 0 {
		return Result{Rule: rule, Reset: ahead, Retry: ahead + rule.interval() - rule.Period}
	}
	return Result{Allowed: true, Rule: rule, Remaining: int((rule.Period - ahead) / rule.interval()), Reset: ahead}
}
