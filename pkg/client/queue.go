package client

import (
	"context"
	"sync"
)

// item waits for a handler. Its room is nil where it is handed over even after a Leave.
type item struct {
	room  *room
	value any
}

// queue holds what waits for the handlers, in order.
type queue struct {
	limit int           // of events; what must not be lost may go above it by headroom
	ready chan struct{} // holds a value while items may wait

	mu    sync.Mutex
	items []item
	space chan struct{} // closed when half of limit or fewer wait; nil: nobody asked
}

func newQueue(limit int) *queue { return &queue{limit: limit, ready: make(chan struct{}, 1)} }

// offer adds an item; false where limit or more wait.
func (q *queue) offer(i item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) >= q.limit {
		return false
	}
	q.add(i)
	return true
}

// put adds an item that must not be lost. The bound is kept by full.
func (q *queue) put(i item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(i)
}

func (q *queue) add(i item) {
	q.items = append(q.items, i)
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// headroom is room for what must not be lost: the answers to 500 joins, over some connections, behind a handler that waits for a Send.
const headroom = 4096

// full reports whether no more can be put: then the reader has to wait.
func (q *queue) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) >= q.limit+headroom
}

// next returns the first item; false where there is none.
func (q *queue) next() (item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return item{}, false
	}
	next := q.items[0]
	q.items[0] = item{}
	if q.items = q.items[1:]; len(q.items) == 0 {
		q.items = nil
	}
	if q.space != nil && len(q.items) <= q.limit/2 {
		close(q.space)
		q.space = nil
	}
	return next, true
}

// waitForSpace waits until half of limit or fewer wait. It returns the context's error.
func (q *queue) waitForSpace(ctx context.Context) error {
	q.mu.Lock()
	if len(q.items) <= q.limit/2 {
		q.mu.Unlock()
		return ctx.Err()
	}
	if q.space == nil {
		q.space = make(chan struct{})
	}
	space := q.space
	q.mu.Unlock()
	select {
	case <-space:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// empty reports whether nothing waits.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) == 0
}
