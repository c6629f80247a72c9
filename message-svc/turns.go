package message

import "sync"

// turns is a queue of conversations that wait for a worker.
type turns struct {
	mu     sync.Mutex
	filled *sync.Cond
	queue  []string
	closed bool
}

func newTurns() *turns {
	t := &turns{}
	t.filled = sync.NewCond(&t.mu)
	return t
}

func (t *turns) add(conversationID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, conversationID)
	t.filled.Signal()
}

// next waits for a turn. It returns false once the queue is closed and empty.
func (t *turns) next() (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.queue) == 0 {
		if t.closed {
			return "", false
		}
		t.filled.Wait()
	}
	first := t.queue[0]
	t.queue = t.queue[1:]
	return first, true
}

func (t *turns) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.filled.Broadcast()
}
