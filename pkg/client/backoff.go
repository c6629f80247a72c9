package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Bounds of the pauses between tries.
const (
	backoffBase   = 100 * time.Millisecond
	backoffCap    = 10 * time.Second
	maxRetryAfter = 30 * time.Second // that the client waits, whatever the server asks for
)

// jitter returns a random pause before the next try, from nothing up to backoffBase · 2^attempt, which backoffCap bounds. Full jitter
// spreads clients that lost their server at one moment.
func jitter(attempt int) time.Duration {
	return rand.N(min(backoffCap, backoffBase<<min(attempt, 10)) + 1)
}

// pauseAfter returns how long to wait after a failure: what the server asks for, and some jitter.
func pauseAfter(err error, attempt int) time.Duration {
	if refused, ok := errors.AsType[*Error](err); ok {
		return min(refused.RetryAfter, maxRetryAfter) + jitter(attempt)
	}
	return jitter(attempt)
}

// sleep waits. It returns an error at once where the context ends before d would have passed.
func sleep(ctx context.Context, d time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
