package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/confab-chat/confab/pkg/peer"
)

// wrongBy is above the life of a user's token, so that none would live, or die, by that clock, and below what services allow each other.
const wrongBy = 15*time.Minute + 30*time.Second

// moveClock has one message-svc go fast, and then slow.
func moveClock(ctx context.Context, s *Scene) (string, error) {
	for _, by := range []time.Duration{wrongBy, -wrongBy} {
		if err := s.moveClock(ctx, by); err != nil {
			return "", err
		}
		time.Sleep(isAway / 2)
	}
	n := s.crew.misdated.Load()
	if n == 0 {
		return "", errNothingTouched
	}
	return fmt.Sprintf("%d messages bear a wrong time", n), nil
}

// moveClock starts the first message-svc again with another clock.
func (s *Scene) moveClock(ctx context.Context, by time.Duration) error {
	s.moved.Store(int64(by))
	_, err := s.terminate(ctx, s.Process(peer.MessageService, 0))
	return err
}
