// Package drain ends the sockets of a program that stops.
package drain

import (
	"context"
	"time"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/pause"
)

const (
	// UnreadyWait is the time that load balancers get to see that this process is not ready, at most a quarter of the window: sockets
	// go on, and new ones are still let in.
	UnreadyWait = 5 * time.Second
	// EndPause is the longest pause between the ends of two sockets: few sockets do not take the whole window.
	EndPause = 20 * time.Millisecond
)

// ErrStopping is the answer to a handshake once nobody is let in any more.
var ErrStopping = fault.New(fault.Unavailable, "stopping", "This server stops. Connect again.").After(time.Second)

// Sockets ends all within the window, 0 for at once: first those that come are still let in; then shut lets none in and returns those there
// are, and each is ended, evenly. Where ctx ends nothing is waited for.
func Sockets[S any](ctx context.Context, window time.Duration, shut func() []S, end func(S)) {
	unready := min(UnreadyWait, window/4)
	pause.For(ctx, unready)
	sockets := shut()
	start, each := time.Now(), min(EndPause, (window-unready)/time.Duration(max(1, len(sockets))))
	for i, s := range sockets {
		pause.For(ctx, time.Until(start.Add(time.Duration(i)*each))) // by the clock, since no timer is shorter than about a millisecond
		end(s)
	}
}
