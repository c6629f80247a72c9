package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// running is a client's Socket with what it handed over.
type running struct {
	*client.Socket
	t      *testing.T
	cancel context.CancelFunc
	ended  <-chan struct{}
	err    error // once ended is closed

	mu    sync.Mutex
	heard []any
	revs  []int64 // of messages
	raw   []string
}

// run starts a Socket that ends with the test. Each handler notes what it hears; a hook gets it first.
func run(t *testing.T, c *client.Client, hook func(any), queue ...int) *running {
	t.Helper()
	r := &running{t: t}
	note := func(v any) {
		if hook != nil {
			hook(v)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.heard = append(r.heard, v)
		if e, ok := v.(chat.Event); ok {
			r.revs = append(r.revs, e.Rev)
		}
	}
	o := client.SocketOptions{
		OnMessage: func(e chat.Event) { note(e) }, OnMember: func(e chat.MemberEvent) { note(e) },
		OnRead: func(e chat.ReadEvent) { note(e) }, OnTyping: func(e chat.TypingEvent) { note(e) },
		OnInbox: func(e chat.InboxEvent) { note(e) }, OnJoined: func(j client.Joined) { note(j) },
		OnRefused: func(f client.Refused) { note(f) }, OnConnection: func(c client.Connection) { note(c) },
		Tap: func(connection int, frame []byte) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.raw = append(r.raw, fmt.Sprint(connection, " ", string(frame)))
		},
	}
	if len(queue) > 0 {
		o.Queue = queue[0]
	}
	r.Socket = c.Socket(o)
	r.start()
	return r
}

func (r *running) start() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	r.cancel, r.ended = cancel, ended
	go func() {
		r.err = r.Run(ctx)
		close(ended)
	}()
	r.t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// end waits for Run and returns its error.
func (r *running) end() error {
	r.t.Helper()
	select {
	case <-r.ended:
	case <-time.After(time.Minute):
		r.t.Fatal("Run has not returned after a minute")
	}
	return r.err
}

// got returns the revs handed over so far.
func (r *running) got() []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int64{}, r.revs...)
}

// all returns what was heard of a type.
func all[T any](r *running) []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []T
	for _, v := range r.heard {
		if v, ok := v.(T); ok {
			out = append(out, v)
		}
	}
	return out
}

func revs(first, last int64) []int64 {
	out := []int64{}
	for rev := first; rev <= last; rev++ {
		out = append(out, rev)
	}
	return out
}

func code(err error) string {
	refused, ok := errors.AsType[*client.Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	return refused.Code
}
