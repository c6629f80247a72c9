package realtime

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/drain"
)

// drain ends all sockets within the window, and returns when they have ended.
func (h *hub) drain(ctx context.Context, window time.Duration) {
	var retiring sync.WaitGroup
	drain.Sockets(ctx, window, h.shut, func(s *session) {
		retiring.Go(func() { s.retire(ctx, endRestart) })
	})
	retiring.Wait()
	h.sockets.Wait()
}

// shut lets nobody in any more, and returns all who are.
func (h *hub) shut() []*session {
	h.mu.Lock()
	h.draining = true
	h.mu.Unlock()
	return h.all()
}

// retire answers the commands that were read, then asks the client to connect again, and ends the socket.
func (s *session) retire(ctx context.Context, e *ending) {
	select {
	case <-s.lanes.finish():
	case <-s.out.finished:
	case <-time.After(retireWait):
	case <-ctx.Done():
	}
	after := rand.Int64N(maxReconnect.Milliseconds() + 1)
	s.tell(&broadcast{kind: chat.Reconnect, class: essential, body: reconnectEvent{Type: chat.Reconnect, AfterMS: after}})
	s.out.finish(e)
}

func (h *hub) isDraining() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.draining
}
