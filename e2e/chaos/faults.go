package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
)

var errNothingTouched = errors.New("it would touch nothing")

const (
	stopBound   = 30 * time.Second // the grace period that Kubernetes gives by default
	isAway      = 20 * time.Second // for whatever does not answer
	mongoIsAway = 30 * time.Second
	isDown      = 2 * time.Second // for Redis, between two processes
	isGone      = 5 * time.Second // for a service, between two processes
)

type fault = func(ctx context.Context, s *Scene) (string, error)

func terminateGateway(ctx context.Context, s *Scene) (string, error) {
	gateway := s.Process(peer.RealtimeService, 0)
	sockets, err := some(metric(ctx, gateway, "confab_sockets"))
	if err != nil {
		return "", err
	}
	took, err := s.terminate(ctx, gateway)
	return fmt.Sprintf("ended %.0f sockets within %.1f s", sockets, took.Seconds()), err
}

// terminate asks the process to end, waits for that, and starts it again.
func (s *Scene) terminate(ctx context.Context, p *split.Process) (took time.Duration, err error) {
	begin := time.Now()
	if err := p.Terminate(); err != nil {
		return 0, err
	}
	bounded, cancel := context.WithTimeout(ctx, stopBound)
	defer cancel()
	if err := p.Wait(bounded); err != nil {
		return 0, err
	}
	return time.Since(begin), p.Restart(ctx)
}

func killGateway(ctx context.Context, s *Scene) (string, error) {
	sockets, err := some(metric(ctx, s.Process(peer.RealtimeService, 0), "confab_sockets"))
	if err != nil {
		return "", err
	}
	_, err = kill(peer.RealtimeService)(ctx, s)
	return fmt.Sprintf("cut %.0f sockets", sockets), err
}

// kill ends a replica, and starts it again after a while.
func kill(service string) fault {
	return func(ctx context.Context, s *Scene) (string, error) {
		p := s.Process(service, 0)
		if err := p.Kill(); err != nil {
			return "", err
		}
		time.Sleep(isGone)
		return "gone for 5 s", p.Restart(ctx)
	}
}

// roll replaces all replicas, one after the other.
func roll(ctx context.Context, s *Scene) (string, error) {
	begin := time.Now()
	for _, p := range s.Processes() {
		if p.AdminURL == "" || p == s.Web {
			continue // Redis and MongoDB; and there is one web only
		}
		if _, err := s.terminate(ctx, p); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("8 replicas within %.0f s", time.Since(begin).Seconds()), nil
}

// bothReplicas waits until the writers are through. The load is the fault: two replicas number one conversation.
func bothReplicas(ctx context.Context, s *Scene) (string, error) {
	for s.crew.promises.Asked() < plenty {
		time.Sleep(arrivalPoll)
	}
	var counts [2]float64
	for n := range counts {
		var err error
		if counts[n], err = some(metric(ctx, s.Process(peer.MessageService, n), "confab_request_duration_seconds_count")); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%.0f and %.0f requests to the replicas", counts[0], counts[1]), nil
}

func restartRedis(ctx context.Context, s *Scene) (string, error) {
	if err := s.Redis.Kill(); err != nil {
		return "", err
	}
	time.Sleep(isDown)
	return "down for 2 s", s.Redis.Restart(ctx)
}

// nothing is what the others are compared with.
func nothing(context.Context, *Scene) (string, error) {
	time.Sleep(isAway)
	return "none", nil
}

func stopRedis(_ context.Context, s *Scene) (string, error) { return stop(s.Redis, isAway) }

func stopMongo(_ context.Context, s *Scene) (string, error) { return stop(s.Mongo, mongoIsAway) }

func stop(p *split.Process, length time.Duration) (string, error) {
	if err := p.Stop(); err != nil {
		return "", err
	}
	time.Sleep(length)
	return fmt.Sprintf("silent for %v", length), p.Continue()
}

// killSubscriptions ends all subscriptions of the gateways once a second.
func killSubscriptions(ctx context.Context, s *Scene) (string, error) {
	var killed int64
	for range int(isAway / time.Second) {
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
func losing(_ context.Context, s *Scene) (string, error) {
	time.Sleep(isAway)
	if s.dropper.Dropped() == 0 {
		return "", errNothingTouched
	}
	return fmt.Sprintf("%d events lost within %v", s.dropper.Dropped(), isAway+calmBefore), nil
}

// freeze lets nothing pass on the way of the first replica.
func freeze(way Way) fault {
	return func(_ context.Context, s *Scene) (string, error) {
		p := s.on(way)[0]
		p.Freeze()
		time.Sleep(isAway)
		held := p.Held()
		p.Heal()
		if held == 0 {
			return "", errNothingTouched
		}
		return fmt.Sprintf("silent for %v", isAway), nil
	}
}
