package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	ours     = "github.com/confab-chat/confab/"
	others   = 2 // goroutines of a process that may be there at one moment and not at another, such as those of a ticker's work
	leakWait = 20 * time.Second
)

// warmUp has a socket come and go on each gateway: some goroutines start with the first.
func (s *Scene) warmUp(ctx context.Context) error {
	for i := range 2 {
		gateway := s.Process(peer.RealtimeService, i)
		ws, err := dialSlow(ctx, gateway.URL(), s.crew.users[0].Tokens().Access)
		if err != nil {
			return err
		}
		err = ws.WriteJSON(join{"join", s.crew.rooms[0], 0, 1})
		if err == nil {
			_, _, err = ws.ReadMessage()
		}
		if err := errors.Join(err, ws.Close()); err != nil {
			return err
		}
		for open := 1.; open > 0; time.Sleep(arrivalPoll) {
			if open, err = metric(ctx, gateway, "confab_sockets", ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// goroutines returns how many each process has that are in our code: connections that wait for the next request are not.
func (s *Scene) goroutines(ctx context.Context) (map[*split.Process]int, error) {
	counts := map[*split.Process]int{}
	for _, p := range s.Processes() {
		if p.AdminURL == "" {
			continue
		}
		stacks, err := get(ctx, p.AdminURL+"/debug/pprof/goroutine?debug=2")
		if err != nil {
			return nil, err
		}
		counts[p] = inOurCode(stacks)
	}
	return counts, nil
}

func inOurCode(stacks string) (n int) {
	for stack := range strings.SplitSeq(stacks, "\n\n") {
		if strings.Contains(stack, ours) {
			n++
		}
	}
	return n
}

// findLeaks waits until each process has about as many goroutines as before there were sockets, and notes one that has not.
func (s *Scene) findLeaks(ctx context.Context, before map[*split.Process]int) error {
	for begin := time.Now(); ; time.Sleep(inboxPoll) {
		now, err := s.goroutines(ctx)
		if err != nil {
			return err
		}
		leaking := ""
		for p, n := range now {
			if n > before[p]+others {
				leaking = fmt.Sprintf("%s has %d goroutines after the last socket, and had %d before the first", p, n, before[p])
			}
		}
		if leaking == "" {
			return nil
		}
		if time.Since(begin) > leakWait {
			s.problem("%s", leaking)
			return nil
		}
	}
}
