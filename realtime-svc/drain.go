package realtime

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/pause"
)

const (
	// unreadyWait is the time that load balancers get to see that this replica is not ready, at most a quarter of the window: sockets
	// go on, and new ones are still let in.
	unreadyWait = 5 * time.Second
	// retirePause is the longest pause between the ends of two sockets: few sockets do not take the whole window.
	retirePause = 20 * time.Millisecond
)

// drain ends all sockets within the window: first those that come are still let in, then none, and those there are end evenly.
func (h *hub) drain(ctx context.Context, window time.Duration) {
	unready := min(unreadyWait, window/4)
	pause.For(ctx, unready)
	h.mu.Lock()
	h.draining = true
	h.mu.Unlock()
	sessions := h.all()
	start, each := time.Now(), min(retirePause, (window-unready)/time.Duration(max(1, len(sessions))))
	var retiring sync.WaitGroup
	for i, s := range sessions {
		pause.For(ctx, time.Until(start.Add(time.Duration(i)*each))) // by the clock, since no timer is shorter than about a millisecond
		retiring.Go(func() { s.retire(ctx, endRestart) })
	}
	retiring.Wait()
	h.sockets.Wait()
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
