// Package ratelimit counts requests against limits by the generic cell rate algorithm (GCRA): one instant per key, the
// "theoretical arrival time", says how full its bucket is. See https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm.
package ratelimit

import (
	"context"
	"time"
)

// Rule is a limit: Burst requests at once, refilled evenly so that Burst come back in each Period.
// The zero Rule limits nothing.
type Rule struct {
	Name   string // a part of the key, from a closed set
	Burst  int
	Period time.Duration
}

// Result says what a limiter decided, for the RateLimit headers.
type Result struct {
	Allowed   bool
	Rule      Rule
	Remaining int           // requests left at once
	Reset     time.Duration // until the bucket is full again
	Retry     time.Duration // until the next request is allowed; zero where this one was
}

// Limiter decides whether a request may pass. It never fails: one that cannot reach its shared store counts alone.
type Limiter interface {
	Allow(ctx context.Context, rule Rule, key string) Result
}

func (r Rule) interval() time.Duration { return r.Period / time.Duration(r.Burst) }

// decide moves the arrival time tat of a bucket by one request at now.
func (r Rule) decide(tat, now time.Duration) (Result, time.Duration) {
	tat = max(tat, now)
	next := tat + r.interval()
	if wait := next - now - r.Period; wait > 0 {
		return Result{Rule: r, Reset: tat - now, Retry: wait}, tat
	}
	return Result{Allowed: true, Rule: r, Remaining: int((r.Period - (next - now)) / r.interval()), Reset: next - now}, next
}
