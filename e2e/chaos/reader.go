package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// reader is a socket that joined one conversation before its first message, and notes all that comes.
type reader struct {
	socket       *client.Socket
	conversation string
	joined       chan struct{} // closed by the first join

	mu      sync.Mutex
	once    sync.Once
	sights  []sight
	trail   *trail
	garbled int64           // frames that cannot be read
	closed  time.Time       // zero while it is in the conversation
	rejoins []time.Duration // from each close to the next join
}

func newReader(c *client.Client, conversation string) *reader {
	r := &reader{conversation: conversation, joined: make(chan struct{}), trail: newTrail(conversation)}
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
	r.sights = append(r.sights, sight{e.Rev, e.Message.ID, e.Message.ClientMsgID, time.Now()})
}

func (r *reader) tap(_ int, data []byte) {
	var f frame
	err := json.Unmarshal(data, &f)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.garbled++
		return
	}
	r.trail.hear(f)
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

// reached reports whether the handler has had the rev.
func (r *reader) reached(rev int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sights) > 0 && r.sights[len(r.sights)-1].rev >= rev
}

// report adds what the reader saw to the verdict.
func (r *reader) report(v *Verdict) history {
	r.mu.Lock()
	defer r.mu.Unlock()
	v.Lost.Raw += r.trail.lost + r.garbled
	v.Doubled.Raw += r.trail.doubled
	v.Reordered.Raw += r.trail.reordered
	v.Resyncs += r.trail.resyncs
	stats := r.socket.Stats()
	v.Dropped += stats.Duplicates
	v.OutOfTurn += stats.OutOfOrder
	return history{r.conversation, r.sights}
}
