package chaos

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/confab-chat/confab/e2e/split"
)

const (
	ours      = "github.com/confab-chat/confab/"
	startedAt = 10 // goroutines that a process starts once, when the first socket comes: those of its subscription
	leakWait  = 20 * time.Second
)

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
			if n > before[p]+startedAt {
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

func get(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", url, response.StatusCode)
	}
	return string(text), err
}
