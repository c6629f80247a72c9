package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/confab-chat/confab/pkg/peer"
)

const isDown = 2 * time.Second // for Redis, between two processes

func restartRedis(ctx context.Context, s *Scene) (string, error) {
	keys, err := some(s.redis(ctx, "DBSIZE"))
	if err != nil {
		return "", err
	}
	if err := s.Redis.Kill(); err != nil {
		return "", err
	}
	time.Sleep(isDown)
	return fmt.Sprintf("down for 2 s, %d keys lost", keys), s.Redis.Restart(ctx)
}

func stopRedis(ctx context.Context, s *Scene) (string, error) {
	did, err := stop(s.Redis, isAway)
	if err != nil {
		return "", err
	}
	_, err = some(s.total(ctx, peer.MessageService, "confab_announcements_retried_total", ""))
	return did, err
}

// killSubscriptions ends all subscriptions of the gateways once a second.
func killSubscriptions(ctx context.Context, s *Scene) (string, error) {
	return s.killSubscriptions(ctx, isAway)
}

func (s *Scene) killSubscriptions(ctx context.Context, length time.Duration) (string, error) {
	var killed int64
	for range int(length / time.Second) {
		n, err := s.redis(ctx, "CLIENT", "KILL", "TYPE", "pubsub")
		if err != nil {
			return "", err
		}
		killed += n
		time.Sleep(time.Second)
	}
	if killed == 0 {
		return "", errNothingTouched
	}
	return fmt.Sprintf("%d connections ended", killed), nil
}

// losing goes on from the beginning to the end.
func losing(ctx context.Context, s *Scene) (string, error) {
	if err := s.await(ctx, s.changes); err != nil {
		return "", err
	}
	n := s.dropper.Dropped()
	if n == 0 {
		return "", errNothingTouched
	}
	return fmt.Sprintf("%d events lost", n), nil
}
