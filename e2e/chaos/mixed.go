package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/confab-chat/confab/pkg/peer"
)

const briefly = 5 * time.Second

// mixed has every fault that can follow another do its damage, in an order that the seed decides, while events are lost all the time,
// subscriptions are ended and one clock is wrong.
func mixed(ctx context.Context, s *Scene) (string, error) {
	if err := s.moveClock(ctx, wrongBy); err != nil {
		return "", err
	}
	faults := []fault{
		killGateway, kill(peer.AuthService), kill(peer.ConversationService), kill(peer.MessageService), terminateGateway, restartRedis,
		freeze(toRedis, briefly), freeze(toMongo, briefly), freeze(toMemberships, briefly), freeze(fromTheGateway, briefly),
		func(_ context.Context, s *Scene) (string, error) { return stop(s.Redis, briefly) },
		func(_ context.Context, s *Scene) (string, error) { return stop(s.Mongo, briefly) },
		func(ctx context.Context, s *Scene) (string, error) { return s.killSubscriptions(ctx, briefly) },
	}
	dice := rand.New(rand.NewPCG(s.crew.seed, 0))
	for _, n := range dice.Perm(len(faults)) {
		if _, err := faults[n](ctx, s); err != nil {
			return "", fmt.Errorf("number %d: %w", n, err)
		}
	}
	lost, misdated := s.dropper.Dropped(), s.crew.misdated.Load()
	if lost == 0 || misdated == 0 {
		return "", errors.Join(errNothingTouched, fmt.Errorf("%d events lost, %d messages misdated", lost, misdated))
	}
	return fmt.Sprintf("%d faults; %d events lost, %d messages misdated", len(faults), lost, misdated), nil
}
