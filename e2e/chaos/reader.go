package chaos

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/confab-chat/confab/e2e/checker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// reader is a socket that joined one conversation before its first message, and notes all that comes.
type reader struct {
	socket *client.Socket // nil of a slowReader
	joined chan struct{}  // closed by the first join

	mu      sync.Mutex
	once    sync.Once
	history checker.History
	trail   *checker.Trail
	closed  time.Time       // zero while it is in the conversation
	rejoins []time.Duration // from each close to the next join
}

func newReader(c *client.Client, conversation string) *reader {
	r := &reader{joined: make(chan struct{}), history: checker.History{ConversationID: conversation}, trail: checker.NewTrail(conversation)}
	r.socket = c.Socket(client.SocketOptions{
		OnMessage: r.see, OnConnection: r.connection, Tap: r.tap,
		OnJoined: func(client.Joined) { r.once.Do(func() { close(r.joined) }) },
	})
	r.socket.Join(conversation, 0)
	return r
}

func (r *reader) see(e chat.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.See(e)
}

func (r *reader) tap(_ int, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trail.Hear(data)
}

func (r *reader) connection(c client.Connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case c.State == client.Closed && r.closed.IsZero() && !errors.Is(c.Err, context.Canceled):
		r.closed = c.At
	case c.State == client.Rejoined && !r.closed.IsZero():
		r.rejoins = append(r.rejoins, c.At.Sub(r.closed))
		r.closed = time.Time{}
	}
}

// begin forgets what happened before all readers were there.
func (r *reader) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed, r.rejoins = time.Time{}, nil
}

func (r *reader) rejoinedTimes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.rejoins)
}

// reached reports whether the handler has had the rev.
func (r *reader) reached(rev int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.history.Last() >= rev
}
