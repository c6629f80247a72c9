package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/client"
	"github.com/confab-chat/confab/pkg/pause"
	"github.com/confab-chat/confab/pkg/peer"
)

var errNothingTouched = errors.New("it would touch nothing")

const (
	stopBound   = 30 * time.Second // the grace period that Kubernetes gives by default
	isAway      = 20 * time.Second // for whatever does not answer
	mongoIsAway = 30 * time.Second
	isGone      = 5 * time.Second // for a service, between two processes

	gateways = 2
)

type fault = func(ctx context.Context, s *Scene) (string, error)

func terminateGateway(ctx context.Context, s *Scene) (string, error) {
	gateway, sockets, err := s.busiestGateway(ctx)
	if err != nil {
		return "", err
	}
	took, err := s.terminate(ctx, gateway)
	return fmt.Sprintf("ended %.0f sockets within %.1f s", sockets, took.Seconds()), err
}

// busiestGateway returns the one with the most sockets, and their number: after some faults the other one has none.
func (s *Scene) busiestGateway(ctx context.Context) (busiest *split.Process, most float64, err error) {
	for n := range gateways {
		gateway := s.Process(peer.RealtimeService, n)
		sockets, err := metric(ctx, gateway, "confab_sockets", "")
		if err != nil {
			return nil, 0, err
		}
		if sockets > most {
			busiest, most = gateway, sockets
		}
	}
	if busiest == nil {
		return nil, 0, errNothingTouched
	}
	return busiest, most, nil
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
	gateway, sockets, err := s.busiestGateway(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("cut %.0f sockets", sockets), s.kill(ctx, gateway)
}

// kill ends a process as a power button does, and starts it again after a while.
func (s *Scene) kill(ctx context.Context, p *split.Process) error {
	if err := p.Kill(); err != nil {
		return err
	}
	time.Sleep(isGone)
	return p.Restart(ctx)
}

func kill(service string) fault {
	return func(ctx context.Context, s *Scene) (string, error) {
		p := s.Process(service, 0)
		before, err := some(metric(ctx, p, "confab_request_duration_seconds_count", ""))
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("gone for %.0f s, after %.0f requests", isGone.Seconds(), before), s.kill(ctx, p)
	}
}

const loginPause = 200 * time.Millisecond

// killAuth has users log in meanwhile, one after another: nothing else asks auth-svc so often.
func killAuth(ctx context.Context, s *Scene) (string, error) {
	logins := 0
	var failed error
	ended := make(chan struct{})
	asking, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer close(ended)
		for pause.For(asking, loginPause) {
			guest, err := client.New(client.Options{URL: s.URL})
			if err == nil {
				_, err = guest.Login(asking, s.crew.emailOf(logins%len(s.crew.users)), password)
			}
			if err != nil {
				if asking.Err() == nil {
					failed = fmt.Errorf("a login meanwhile: %w", err)
				}
				return
			}
			logins++
		}
	}()
	did, err := kill(peer.AuthService)(ctx, s)
	stop()
	<-ended
	if logins == 0 {
		err = errors.Join(err, errNothingTouched)
	}
	err = errors.Join(err, failed)
	return fmt.Sprintf("%s; %d logins meanwhile", did, logins), err
}

// roll replaces all replicas, one after the other.
func roll(ctx context.Context, s *Scene) (string, error) {
	begin, replaced := time.Now(), 0
	for _, p := range s.Processes() {
		if p.AdminURL == "" || p == s.Web {
			continue // Redis and MongoDB; and there is one web only
		}
		if _, err := s.terminate(ctx, p); err != nil {
			return "", err
		}
		replaced++
	}
	return fmt.Sprintf("%d replicas within %.0f s", replaced, time.Since(begin).Seconds()), nil
}

// bothReplicas waits until the writers are through. The load is the fault: two replicas number one conversation.
func bothReplicas(ctx context.Context, s *Scene) (string, error) {
	if err := s.await(ctx, s.changes); err != nil {
		return "", err
	}
	var counts [2]float64
	for n := range counts {
		var err error
		if counts[n], err = some(metric(ctx, s.Process(peer.MessageService, n), "confab_request_duration_seconds_count", "")); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%.0f and %.0f requests to the replicas", counts[0], counts[1]), nil
}

// await returns once so many changes were asked for, or the context's error.
func (s *Scene) await(ctx context.Context, changes int) error {
	for s.crew.promises.Asked() < changes && pause.For(ctx, arrivalPoll) {
	}
	return ctx.Err()
}

func stopMongo(ctx context.Context, s *Scene) (string, error) {
	did, err := stop(s.Mongo, mongoIsAway)
	if err != nil {
		return "", err
	}
	refused, err := some(s.total(ctx, peer.MessageService, "confab_request_duration_seconds_count", `kind="unavailable"`))
	return fmt.Sprintf("%s, %d requests refused", did, refused), err
}

func stop(p *split.Process, length time.Duration) (string, error) {
	if err := p.Stop(); err != nil {
		return "", err
	}
	time.Sleep(length)
	return fmt.Sprintf("silent for %v", length), p.Continue()
}

// freeze lets nothing pass on the way of the first replica.
func freeze(way Way, length time.Duration) fault {
	return func(_ context.Context, s *Scene) (string, error) {
		p := s.on(way)[0]
		before := p.Held()
		p.Freeze()
		time.Sleep(length)
		held := p.Held() - before
		p.Heal()
		if held == 0 {
			return "", errNothingTouched
		}
		return fmt.Sprintf("silent for %v, %d writes held", length, held), nil
	}
}
