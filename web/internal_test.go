package web

import (
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/drain"
	"github.com/confab-chat/confab/pkg/server"
)

func TestADrainEndsSocketsEvenlyWithinItsWindow(t *testing.T) {
	for name, test := range map[string]struct {
		sockets           int
		window            time.Duration
		first, half, last time.Duration
	}{
		"many sockets share what the first 5 s leave":  {15_001, 20 * time.Second, 5 * time.Second, 12500 * time.Millisecond, 20 * time.Second},
		"few sockets end within 20 ms each":            {101, 20 * time.Second, 5 * time.Second, 6 * time.Second, 7 * time.Second},
		"a short window gives load balancers a fourth": {301, 4 * time.Second, time.Second, 2500 * time.Millisecond, 4 * time.Second},
		"no window ends all at once":                   {1000, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, start := newSockets(server.Env{}), time.Now()
				var ended []time.Duration
				for range test.sockets {
					s.add(&http.Request{}, func(error) { ended = append(ended, time.Since(start)) })
				}
				s.drain(t.Context(), test.window)
				if len(ended) != test.sockets {
					t.Fatalf("%d of %d are ended", len(ended), test.sockets)
				}
				near := func(got, want time.Duration) bool { return (got - want).Abs() <= drain.EndPause }
				if first, half, last := ended[0], ended[len(ended)/2], ended[len(ended)-1]; !near(first, test.first) || !near(half, test.half) || !near(last, test.last) {
					t.Errorf("the first ends after %v, half of them after %v, the last after %v", first, half, last)
				}
			})
		})
	}
}

func TestADrainWithoutSocketsWaitsForLoadBalancersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		newSockets(server.Env{}).drain(t.Context(), time.Minute)
		if took := time.Since(start); took != drain.UnreadyWait {
			t.Fatalf("took %v", took)
		}
	})
}

// badReplica is a transport to two replicas: "good" answers, and "bad" fails.
type badReplica struct {
	err   error // nil: it answers
	after time.Duration
	asked atomic.Int32
}

func (bad *badReplica) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "bad" {
		bad.asked.Add(1)
		time.Sleep(bad.after)
		if bad.err != nil {
			return nil, bad.err
		}
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func TestAReplicaThatFailedRestsAndThenOneRequestFindsOutWhetherItIsBack(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Err: err} }
	for name, test := range map[string]struct {
		err         error
		after, rest time.Duration
	}{
		"it refused the connection":    {dial(syscall.ECONNREFUSED), 0, refusedRest},
		"it did not answer the dialer": {dial(os.ErrDeadlineExceeded), dialTimeout, silentRest},
		"it did not answer a request":  {os.ErrDeadlineExceeded, answerTimeout, silentRest},
		"it broke the connection":      {io.ErrUnexpectedEOF, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := &badReplica{err: test.err, after: test.after}
				b, err := newBalancer(bad, "x-svc", config.List{"http://good", "http://bad"}, newMetrics(prometheus.NewRegistry()))
				if err != nil {
					t.Fatal(err)
				}
				requireAsked := func(when string, want int32) { // of ten requests
					t.Helper()
					bad.asked.Store(0)
					for range 10 {
						go func() {
							r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x", http.NoBody) // which is right
							_, _ = b.RoundTrip(r)                                                                     // who is asked is the question
						}()
						synctest.Wait()
					}
					if n := bad.asked.Load(); n != want {
						t.Errorf("%s it is asked %d times, want %d", when, n, want)
					}
				}
				if test.rest == 0 {
					requireAsked("after its failure", 5)
					return
				}
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x", http.NoBody) // which is right
				_, _ = b.RoundTrip(r)                                                                     // it is the turn of the bad one
				time.Sleep(test.rest - time.Nanosecond)
				requireAsked("before its rest ends", 0)
				time.Sleep(time.Nanosecond)
				requireAsked("after its rest", 1)
				time.Sleep(test.after + test.rest)
				synctest.Wait() // for what races with the next line
				bad.err, bad.after = nil, 0
				requireAsked("once it is back", 5)
			})
		})
	}
}
