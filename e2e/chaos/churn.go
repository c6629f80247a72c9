package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/pkg/client"
)

const (
	guests    = 100             // sockets at a time, beside the readers
	guestStay = 4 * time.Second // at most
	missed    = 30              // events that a guest resumes with: as many in minute 10 as in minute 3
	warm      = 3 * time.Minute // from then on nothing may grow
	churning  = 10 * time.Minute
	growth    = 1.1 // of a service's memory and goroutines, at most
	sampling  = 30 * time.Second
	samples   = 6
)

// Churn has sockets come and go, in good order and not, and compares what the services hold.
var Churn = Scenario{Name: "churn: sockets come and go for 10 min", Load: Load{Rooms: 2, Readers: 80, Writers: 2, Every: 2 * time.Second}, Fault: churn}

func churn(ctx context.Context, s *Scene) (string, error) {
	coming, stop := context.WithTimeout(ctx, churning)
	defer stop()
	var group sync.WaitGroup
	var came atomic.Int64
	errs := make([]error, guests)
	for i := range guests {
		group.Go(func() {
			dice := rand.New(rand.NewPCG(s.crew.seed, uint64(i)))
			for coming.Err() == nil && errs[i] == nil {
				stay := time.Duration(dice.Int64N(int64(guestStay)))
				if i%2 == 0 {
					errs[i] = s.crew.visit(coming, i, stay)
				} else {
					errs[i] = s.crew.burst(coming, s.URL, i, stay)
				}
				came.Add(1)
			}
		})
	}
	time.Sleep(warm - sampling)
	before, err := s.levels(ctx)
	if err == nil {
		time.Sleep(churning - warm - sampling)
		var after levels
		if after, err = s.levels(ctx); err == nil {
			group.Wait()
			return fmt.Sprintf("%d sockets; %s", came.Load(), s.compare(before, after)), errors.Join(errs...)
		}
	}
	stop()
	group.Wait()
	return "", err
}

// visit is a socket that ends in good order.
func (c *crew) visit(ctx context.Context, guest int, stay time.Duration) error {
	ctx, leave := context.WithTimeout(ctx, stay)
	defer leave()
	socket := c.users[guest%len(c.users)].Socket(client.SocketOptions{})
	socket.Join(c.rooms[guest%len(c.rooms)], client.FromNow)
	if err := socket.Run(ctx); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("a guest's socket ended: %w", err)
	}
	return nil
}

// burst is a socket whose connection breaks.
func (c *crew) burst(ctx context.Context, url string, guest int, stay time.Duration) error {
	ws, err := dialSlow(ctx, url, c.users[guest%len(c.users)].Tokens().Access)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer ws.Close()
	room := c.rooms[guest%len(c.rooms)]
	if err := ws.WriteJSON(join{"join", room, max(0, c.promises.LastRev(room)-missed), 1}); err != nil {
		return err
	}
	_ = ws.SetReadDeadline(time.Now().Add(stay)) // an open connection takes any
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			return nil // it has stayed long enough
		}
	}
}

// levels are what a service's processes hold, on average.
type levels map[string]level

type level struct{ memory, goroutines float64 }

// levels takes samples for a while.
func (s *Scene) levels(ctx context.Context) (levels, error) {
	all := levels{}
	for range samples {
		time.Sleep(sampling / samples)
		for _, p := range s.Processes() {
			if p.AdminURL == "" {
				continue
			}
			memory, err := metric(ctx, p, "process_resident_memory_bytes", "")
			if err != nil {
				return nil, err
			}
			goroutines, err := metric(ctx, p, "go_goroutines", "")
			if err != nil {
				return nil, err
			}
			l := all[p.Service]
			all[p.Service] = level{l.memory + memory/samples, l.goroutines + goroutines/samples}
		}
	}
	return all, nil
}

// compare tells of each service, and notes one that has grown too much.
func (s *Scene) compare(before, after levels) string {
	var told []string
	for _, p := range s.Processes() {
		was, is := before[p.Service], after[p.Service]
		if was.memory == 0 || p.Replica == 2 {
			continue
		}
		memory, goroutines := is.memory/was.memory, is.goroutines/was.goroutines
		told = append(told, fmt.Sprintf("%s %.0f MB × %.2f, %.0f goroutines × %.2f", p.Service, was.memory/1e6, memory, was.goroutines, goroutines))
		if max(memory, goroutines) > growth {
			s.problem("%s has grown to %.2f of its memory and %.2f of its goroutines since minute 3", p.Service, memory, goroutines)
		}
	}
	return strings.Join(told, "; ")
}
