package realtime

import (
	"sync"

	"github.com/confab-chat/confab/pkg/drain"
)

// lanes carry out a socket's commands: those of one lane one after another, different lanes side by side. The zero lanes are ready.
type lanes struct {
	mu      sync.Mutex
	waiting map[string][]func() // by lane; a lane without commands has its last one under way
	pending int                 // commands that wait or are under way
	closed  bool
	idle    chan struct{} // closed when nothing is pending after finish; nil before
}

// add puts a command into a lane. It returns errTooManyPending where the lane holds bound commands or all lanes maxPending, and
// drain.ErrStopping where they are closed.
func (l *lanes) add(lane string, bound int, command func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue, busy := l.waiting[lane]
	switch {
	case l.closed:
		return drain.ErrStopping
	case l.pending >= maxPending || len(queue) >= bound:
		return errTooManyPending
	}
	if l.waiting == nil {
		l.waiting = map[string][]func(){}
	}
	l.pending++
	l.waiting[lane] = append(queue, command)
	if !busy {
		go l.run(lane) // ends when the lane is empty; close and finish say when all are
	}
	return nil
}

func (l *lanes) run(lane string) {
	for command := l.next(lane); command != nil; command = l.next(lane) {
		command()
		l.done()
	}
}

func (l *lanes) next(lane string) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.waiting[lane]
	if len(queue) == 0 {
		delete(l.waiting, lane)
		return nil
	}
	l.waiting[lane] = queue[1:]
	return queue[0]
}

func (l *lanes) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending--
	l.tell()
}

func (l *lanes) tell() {
	if l.pending == 0 && l.idle != nil {
		select {
		case <-l.idle:
		default:
			close(l.idle)
		}
	}
}

// finish takes no more commands. The channel is closed once those there are have been carried out.
func (l *lanes) finish() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	l.tell()
	return l.idle
}

// stop takes no more commands and forgets those that wait. It returns once those under way have been carried out.
func (l *lanes) stop() {
	l.mu.Lock()
	for lane, queue := range l.waiting {
		l.pending -= len(queue)
		l.waiting[lane] = nil
	}
	l.mu.Unlock()
	<-l.finish()
}
