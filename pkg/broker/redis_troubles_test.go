package broker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/redistest"
)

// record is a log that may be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) count(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.text.String(), text)
}

func (r *record) log() *slog.Logger { return slog.New(slog.NewTextHandler(r, nil)) }

func TestWhyASubscriptionFailsIsLoggedOnceAndSoIsThatItWorksAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ wrong, right []any }{
		"the user may not subscribe":               {[]any{"allchannels", "-subscribe"}, []any{"+subscribe"}},
		"the user may subscribe to the probe only": {[]any{"resetchannels", "&confab:probe:*"}, []any{"allchannels"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failsAndWorksAgain(t, test.wrong, test.right)
		})
	}
}

func failsAndWorksAgain(t *testing.T, wrong, right []any) {
	t.Helper()
	server := redistest.StartServer(t)
	setUser := []any{"ACL", "SETUSER", "ada"}
	server.Do(t, slices.Concat(setUser, []any{"on", ">secret", "allkeys", "allcommands"}, wrong)...)
	var told record
	b := broker.NewRedis(dial(t, "redis://ada:secret@"+server.Addr), told.log(), prometheus.NewRegistry())
	b.ProbeEvery(200 * time.Millisecond)
	s, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // some tries
	defer cancel()
	if err := s.Add(ctx, "channel"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("add: %v, want a timeout", err)
	}
	if n := told.count("NOPERM"); n != 1 {
		t.Errorf("the reason is logged %d times:\n%s", n, &told.text)
	}
	if err := b.Trouble(); err == nil || !strings.Contains(err.Error(), "NOPERM") || !strings.Contains(err.Error(), server.Addr) {
		t.Errorf("the trouble is %v", err)
	}
	server.Do(t, slices.Concat(setUser, right)...)
	wantInterruption(t, s)
	eventually(t, "that it works is logged", func() bool { return told.count("works again") == 1 })
	if err := b.Trouble(); err != nil {
		t.Errorf("it works, and the trouble is %v", err)
	}
}

func TestAClusterThatIsOutOfReachIsLogged(t *testing.T) {
	t.Parallel()
	var told record
	b := broker.NewRedis(dial(t, "redis+cluster://127.0.0.1:1"), told.log(), prometheus.NewRegistry())
	s, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond) // some tries
	defer cancel()
	if err := s.Add(ctx, "channel"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("add: %v, want a timeout", err)
	}
	if n := told.count("refused"); n != 1 {
		t.Errorf("the reason is logged %d times:\n%s", n, &told.text)
	}
}

// unreachable is a Redis that cannot be connected to, each time from another port.
type unreachable struct {
	mu    sync.Mutex
	tries []time.Time
}

func (u *unreachable) dial(_ context.Context, network, _ string) (net.Conn, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tries = append(u.tries, time.Now())
	return nil, &net.OpError{Op: "dial", Net: network, Source: &net.TCPAddr{Port: 40000 + len(u.tries)}, Err: errors.New("no route")}
}

func TestASubscriptionTriesLessOftenWhileRedisIsAwayButOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away unreachable
		var told record
		client := redis.NewClient(&redis.Options{Addr: "redis.example:6379", Dialer: away.dial})
		defer client.Close()
		b := broker.NewRedis(client, told.log(), prometheus.NewRegistry())
		s, err := b.Subscribe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := s.Add(ctx, "channel"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("add: %v, want a timeout", err)
		}
		_ = s.Close()
		synctest.Wait()
		if n := len(away.tries); n > 25 {
			t.Errorf("%d tries in 20 s", n)
		}
		for i, at := range away.tries[1:] {
			if since := at.Sub(away.tries[i]); since > time.Second {
				t.Errorf("try %d comes %v after the one before", i+2, since)
			}
		}
		if first := away.tries[1].Sub(away.tries[0]); first > 200*time.Millisecond {
			t.Errorf("the second try comes after %v", first)
		}
		if n := told.count("no route"); n != 1 {
			t.Errorf("the reason is logged %d times:\n%s", n, &told.text)
		}
		if b.Trouble() == nil {
			t.Error("no trouble while nobody can connect")
		}
		time.Sleep(20 * time.Second)
		if err := b.Trouble(); err != nil {
			t.Errorf("nobody wants Redis any more, and the trouble is %v", err)
		}
	})
}
