package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	stormWait   = time.Minute // for all sockets to be back
	fromStorage = 0.05        // events from the database, at most, for each socket that comes back: those that are announced at that moment
)

// storm kills both gateways at once, so that all sockets come back at once, to processes that know nothing. Each has missed a message.
func storm(ctx context.Context, s *Scene) (string, error) {
	before, err := s.reads(ctx)
	if err != nil {
		return "", err
	}
	begin := time.Now()
	if err := s.restartGateways(ctx); err != nil {
		return "", err
	}
	back := 0
	for _, r := range s.crew.readers {
		for r.rejoinedTimes() == 0 && time.Since(begin) < stormWait {
			time.Sleep(arrivalPoll)
		}
		back += min(1, r.rejoinedTimes())
	}
	took := time.Since(begin)
	if back < len(s.crew.readers) {
		s.problem("%d of %d sockets are back after %v", back, len(s.crew.readers), stormWait)
	}
	after, err := s.reads(ctx)
	if err != nil {
		return "", err
	}
	var replayed [2]int64
	for i, from := range []string{"log", "messages"} {
		if replayed[i], err = s.total(ctx, peer.RealtimeService, "confab_replayed_events_total", `from="`+from+`"`); err != nil {
			return "", err
		}
	}
	if each := int64(s.crew.load.Crowd); replayed[0]+replayed[1] < each {
		s.problem("%d events were replayed to %d sockets that had missed one each", replayed[0]+replayed[1], each)
	}
	if float64(replayed[1]) > fromStorage*float64(back) {
		s.problem("%d events were replayed from the database", replayed[1])
	}
	return fmt.Sprintf("%d sockets back within %.1f s of the kill, %d events replayed from Redis, %d from the database, %.2f reads of it a socket, writers' among them",
		back, took.Seconds(), replayed[0], replayed[1], float64(after-before)/float64(max(1, back))), nil
}

func (s *Scene) restartGateways(ctx context.Context) error {
	if err := s.eachGateway(func(p *split.Process) error { return p.Kill() }); err != nil {
		return err
	}
	if err := s.crew.writeQuietly(ctx, s.crew.users[0]); err != nil {
		return err
	}
	return s.eachGateway(func(p *split.Process) error { return p.Restart(ctx) })
}

// eachGateway does it with both at once.
func (s *Scene) eachGateway(do func(p *split.Process) error) error {
	var group sync.WaitGroup
	var errs [gateways]error
	for i := range errs {
		group.Go(func() { errs[i] = do(s.Process(peer.RealtimeService, i)) })
	}
	group.Wait()
	return errors.Join(errs[:]...)
}
