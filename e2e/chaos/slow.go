package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/e2e/checker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
	"github.com/confab-chat/confab/pkg/pause"
	"github.com/confab-chat/confab/pkg/peer"
)

const slowPause = 100 * time.Millisecond // between two frames

// slowReader is a client of its own on a connection of its own: pkg/client reads on while its handlers are busy, and web buffers.
type slowReader struct {
	*reader
	user        *client.Client
	gateway     string // its URL
	hurried     atomic.Bool
	resyncs     atomic.Int64
	connections atomic.Int64 // that ended
}

func newSlowReader(user *client.Client, gateway, conversation string) *slowReader {
	r := &reader{joined: make(chan struct{}), trail: checker.NewTrail(conversation)}
	r.history = checker.History{ConversationID: conversation, Patient: true}
	return &slowReader{reader: r, user: user, gateway: gateway}
}

// addSlow has the load's slow and stuck sockets join the first room, until ctx ends.
func (c *crew) addSlow(ctx context.Context, gateway string) error {
	for i := range c.load.Slow {
		r := newSlowReader(c.users[i%len(c.users)], gateway, c.rooms[0])
		c.slow = append(c.slow, r)
		c.running.Go(func() { r.run(ctx) })
		select {
		case <-r.joined:
		case <-time.After(joinWait):
			return errors.New("a slow reader could not join")
		}
	}
	for i := range c.load.Stuck {
		ws, err := dialSlow(ctx, gateway, c.users[i%len(c.users)].Tokens().Access)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { _ = ws.Close() })
		if err := ws.WriteJSON(join{"join", c.rooms[0], 0, 1}); err != nil {
			return err
		}
	}
	return nil
}

// hurry has the slow readers be as fast as the others from now on.
func (c *crew) hurry() {
	for _, r := range c.slow {
		r.hurried.Store(true)
	}
}

// run reads until ctx ends, over as many connections as that takes. What goes wrong with one shows in what its reader lacks in the end.
func (r *slowReader) run(ctx context.Context) {
	for r.connect(ctx) != nil && pause.For(ctx, slowPause) {
		r.connections.Add(1)
	}
}

func (r *slowReader) connect(ctx context.Context) error {
	ws, err := dialSlow(ctx, r.gateway, r.user.Tokens().Access)
	if err != nil {
		return err
	}
	defer ws.Close()
	defer context.AfterFunc(ctx, func() { _ = ws.Close() })()
	if err := r.join(ws); err != nil {
		return err
	}
	for {
		_, data, err := ws.ReadMessage()
		if err != nil {
			return err
		}
		if err := r.hear(ctx, ws, data); err != nil {
			return err
		}
		if !r.hurried.Load() {
			time.Sleep(slowPause)
		}
	}
}

func (r *slowReader) join(ws *websocket.Conn) error {
	return ws.WriteJSON(join{"join", r.history.ConversationID, r.rev(), 1})
}

// hear takes a frame. A resync has the feed read up to its rev, as docs/protocol.md has it.
func (r *slowReader) hear(ctx context.Context, ws *websocket.Conn, data []byte) error {
	r.tap(0, data)
	var f struct {
		chat.Event
		Joined *struct{}
		Live   bool
		Code   string // of a join that is refused
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	switch {
	case f.Joined != nil:
		r.once.Do(func() { close(r.joined) })
	case f.Type == chat.Resync:
		r.resyncs.Add(1)
		if err := r.catchUp(ctx, f.Rev); err != nil || f.Live {
			return err
		}
		return r.join(ws)
	case f.Message != nil && f.Rev > r.rev():
		r.see(f.Event)
	case f.Code != "":
		return fmt.Errorf("a slow reader may not join: %s", f.Code)
	}
	return nil
}

func (r *slowReader) catchUp(ctx context.Context, rev int64) error {
	for r.rev() < rev {
		page, err := r.user.Feed(ctx, r.history.ConversationID, r.rev(), chat.MaxPage)
		if err != nil {
			return fmt.Errorf("a slow reader's feed: %w", err)
		}
		for _, e := range page.Items {
			r.see(e)
		}
	}
	return nil
}

func (r *slowReader) rev() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.history.Last()
}

// slowSockets only waits: the load has them.
func slowSockets(ctx context.Context, s *Scene) (string, error) {
	if err := s.await(ctx, s.changes); err != nil {
		return "", err
	}
	var resyncs, ended int64
	for _, r := range s.crew.slow {
		if r.resyncs.Load() == 0 {
			return "", errNothingTouched
		}
		resyncs += r.resyncs.Load()
		ended += r.connections.Load()
	}
	lost, err := metric(ctx, s.Process(peer.RealtimeService, 0), "confab_socket_closes_total", `reason="lost"`)
	if cut := int64(lost) - ended; err == nil && cut < int64(s.crew.load.Stuck) {
		err = fmt.Errorf("of the stuck sockets %d were cut", cut)
	}
	return fmt.Sprintf("%d slow sockets were sent to the feed %d times, %d stuck ones cut", len(s.crew.slow), resyncs, s.crew.load.Stuck), err
}
