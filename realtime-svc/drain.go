package realtime

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// retirePause is the longest pause between the ends of two sockets in a drain: few sockets do not take the whole window.
const retirePause = 20 * time.Millisecond

// drain takes no more sockets, and ends those there are evenly within the window.
func (h *hub) drain(ctx context.Context, window time.Duration) {
	h.mu.Lock()
	h.draining = true
	h.mu.Unlock()
	sessions := h.all()
	var retiring sync.WaitGroup
	for i, s := range sessions {
		if i > 0 {
			pause(ctx, min(retirePause, window/time.Duration(len(sessions))))
		}
		retiring.Go(func() { s.retire(ctx) })
	}
	retiring.Wait()
	h.sockets.Wait()
}

// retire answers the commands that were read, then asks the client to connect again, and ends the socket.
func (s *session) retire(ctx context.Context) {
	select {
	case <-s.lanes.finish():
	case <-s.out.finished:
	case <-time.After(retireWait):
	case <-ctx.Done():
	}
	after := rand.Int64N(maxReconnect.Milliseconds() + 1)
	s.tell(&broadcast{kind: chat.Reconnect, class: essential, body: reconnectEvent{Type: chat.Reconnect, AfterMS: after}})
	s.out.finish(endRestart)
}

func (h *hub) isDraining() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.draining
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
