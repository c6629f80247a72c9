// Package batch commits what many callers bring together: while one batch is under way, the next one gathers.
package batch

import (
	"context"
	"errors"
	"sync"
)

// ErrFull is returned where an item is one too many.
var ErrFull = errors.New("too many wait")

// Queue hands items to one function in the order they came, as many at once as wait. It has no goroutine of its own: the first
// caller leads, works on what waits, and passes the lead on. The zero Queue is ready.
type Queue[T any] struct {
	mu      sync.Mutex
	leading bool
	waiting []*waiter[T]
}

type waiter[T any] struct {
	item T
	lead chan struct{} // closed: this caller leads
	done chan struct{} // closed: work is done with the item
}

// Do returns once work has been done on the item, by this caller or another. A batch holds at most size items. Where limit
// items wait already, Do returns ErrFull at once, and where ctx ends its error: the work may be done all the same, and a caller that
// does it ends it first. All callers of one Queue give the same work. Where it panics, whoever leads does, and the others of the batch
// return nil: an item says by itself whether the work got to it.
func (q *Queue[T]) Do(ctx context.Context, item T, size, limit int, work func([]T)) error {
	w := &waiter[T]{item: item, lead: make(chan struct{}), done: make(chan struct{})}
	if !q.enqueue(w, limit) {
		return ErrFull
	}
	select {
	case <-w.done:
	case <-w.lead: // w is the first that waits, so it is part of the batch
		q.lead(size, work)
	case <-ctx.Done():
		go q.standIn(w, size, work)
		return ctx.Err()
	}
	return nil
}

// standIn takes the lead in place of a caller that has left, should it come to it.
func (q *Queue[T]) standIn(w *waiter[T], size int, work func([]T)) {
	select {
	case <-w.done:
	case <-w.lead:
		q.lead(size, work)
	}
}

func (q *Queue[T]) enqueue(w *waiter[T], limit int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= limit {
		return false
	}
	q.waiting = append(q.waiting, w)
	if !q.leading {
		q.leading = true
		close(w.lead)
	}
	return true
}

func (q *Queue[T]) lead(size int, work func([]T)) {
	q.mu.Lock()
	n := min(len(q.waiting), size)
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	q.mu.Unlock()

	items := make([]T, n)
	for i, w := range batch {
		items[i] = w.item
	}
	defer q.pass(batch)
	work(items)
}

func (q *Queue[T]) pass(batch []*waiter[T]) {
	q.mu.Lock()
	if len(q.waiting) > 0 {
		close(q.waiting[0].lead)
	} else {
		q.waiting = nil
		q.leading = false
	}
	q.mu.Unlock()
	for _, w := range batch {
		close(w.done)
	}
}
