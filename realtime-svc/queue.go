package realtime

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// class says what becomes of a frame that finds the queue full.
type class int

const (
	droppable class = iota // typing and hints: dropped, from half of the queue on
	eventful               // the events of a conversation: the socket must resync that conversation
	essential              // replies and what the client must hear: they may use the reserve
)

// frame is one encoded message to a client.
type frame struct {
	kind    string // an event's name, reply or error
	class   class
	data    []byte    // shared: never changed
	sent    time.Time // of a new message that passes live: its created_at; else zero
	passage *passage
}

// queue holds the frames that wait for one socket's writer, bounded in bytes.
type queue struct {
	limit int           // bytes
	total *atomic.Int64 // bytes in the queues of all sockets
	ready chan struct{} // holds a token where the writer has something to do

	mu       sync.Mutex
	frames   []frame
	bytes    int
	drained  chan struct{} // closed when the queue falls to half; nil where nobody waits for that
	ended    *ending
	endedAt  time.Time
	finished chan struct{} // closed when the queue has ended
}

func newQueue(limit int, total *atomic.Int64) *queue {
	return &queue{limit: limit, total: total, ready: make(chan struct{}, 1), finished: make(chan struct{})}
}

// put takes a frame. It returns false where an eventful frame finds no room; an essential one that finds none ends the queue.
func (q *queue) put(f frame) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil {
		return true // nobody will read it: there is nothing to make good
	}
	switch after := q.bytes + len(f.data); {
	case f.class == droppable && after > q.limit/2:
		return true
	case f.class == eventful && after > q.limit && !q.makeRoom(len(f.data)):
		return false
	case f.class == essential && after > q.limit+queueReserve:
		q.end(endTooSlow)
		return true
	}
	q.add(f)
	return true
}

// offer takes a frame where that leaves the queue within its limit.
func (q *queue) offer(f frame) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == nil && q.bytes > 0 && q.bytes+len(f.data) > q.limit {
		return false
	}
	if q.ended == nil {
		q.add(f)
	}
	return true
}

func (q *queue) add(f frame) {
	q.frames = append(q.frames, f)
	q.count(len(f.data))
	q.wake()
}

func (q *queue) count(n int) {
	q.bytes += n
	q.total.Add(int64(n))
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// makeRoom drops what may be dropped, and reports whether n bytes fit then. An empty queue has room for any frame.
func (q *queue) makeRoom(n int) bool {
	q.frames = slices.DeleteFunc(q.frames, func(f frame) bool {
		if f.class == droppable {
			q.count(-len(f.data))
		}
		return f.class == droppable
	})
	return q.bytes == 0 || q.bytes+n <= q.limit
}

// take returns the next frame to write, or how the queue ended, or neither. The caller reports a written frame by wrote.
func (q *queue) take() (frame, *ending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil && (len(q.frames) == 0 || !q.ended.flush || time.Since(q.endedAt) > flushWait) {
		return frame{}, q.ended
	}
	if len(q.frames) == 0 {
		return frame{}, nil
	}
	next := q.frames[0]
	q.frames[0] = frame{}
	q.frames = q.frames[1:]
	if len(q.frames) == 0 {
		q.frames = nil // an idle socket holds no array
	}
	return next, nil
}

func (q *queue) wrote(f frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count(-len(f.data))
	if q.drained != nil && q.bytes <= q.limit/2 {
		close(q.drained)
		q.drained = nil
	}
}

// waitForRoom returns once the queue is at most half full. It returns an error where it has ended or ctx has.
func (q *queue) waitForRoom(ctx context.Context) error {
	q.mu.Lock()
	if q.bytes <= q.limit/2 && q.ended == nil {
		q.mu.Unlock()
		return nil
	}
	if q.drained == nil {
		q.drained = make(chan struct{})
	}
	drained := q.drained
	q.mu.Unlock()
	select {
	case <-drained:
		return nil
	case <-q.finished:
		return errSocketEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish ends the queue. Of several endings the first counts.
func (q *queue) finish(e *ending) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.end(e)
}

func (q *queue) end(e *ending) {
	if q.ended != nil {
		return
	}
	q.ended, q.endedAt = e, time.Now()
	close(q.finished)
	q.wake()
}

// ending returns how the queue ended, nil where it has not.
func (q *queue) ending() *ending {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ended
}

// overdue reports whether the queue has ended, and what waits should have been written by now.
func (q *queue) overdue(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ended != nil && now.Sub(q.endedAt) > flushWait
}

// discard forgets what was never written.
func (q *queue) discard() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.frames = nil
	q.count(-q.bytes)
}
