package broker_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/redistest"
)

// swallower dials connections. While it is on, those that are subscribed lose what the server sends, for good, as behind a
// middlebox that has forgotten them.
type swallower struct {
	on    atomic.Bool
	mu    sync.Mutex
	conns []*swallowed
}

type swallowed struct {
	net.Conn
	by               *swallower
	subscribed, deaf atomic.Bool
}

func (s *swallower) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &swallowed{Conn: conn, by: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, c)
	return c, nil
}

func (c *swallowed) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("subscribe")) {
		c.subscribed.Store(true)
		c.deaf.Store(c.by.on.Load())
	}
	return c.Conn.Write(b)
}

func (c *swallowed) Read(b []byte) (int, error) {
	for {
		n, err := c.Conn.Read(b)
		if err != nil || !c.deaf.Load() {
			return n, err
		}
	}
}

func (s *swallower) start() {
	s.on.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.deaf.Store(c.subscribed.Load())
	}
}

func (s *swallower) newConns(n int) func() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	want := len(s.conns) + n
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) >= want
	}
}

// timeouts returns how many probes are counted as lost.
func timeouts(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "confab_broker_probe_timeouts_total" {
		t.Fatalf("the metrics are %v, %v", families, err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

func TestASubscriptionNoticesThatNothingArrives(t *testing.T) {
	t.Parallel()
	server, cluster := redistest.StartServer(t), redistest.StartCluster(t)
	for _, tt := range []struct {
		name  string
		nodes int
		open  func(s *swallower) redis.UniversalClient
	}{
		{"from one server", 1, func(s *swallower) redis.UniversalClient {
			return redis.NewClient(&redis.Options{Addr: server.Addr, Dialer: s.dial})
		}},
		{"from each node of a cluster", 3, func(s *swallower) redis.UniversalClient {
			return redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{cluster[0].Addr}, Dialer: s.dial})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s swallower
			var told record
			client := tt.open(&s)
			t.Cleanup(func() { _ = client.Close() })
			registry := prometheus.NewRegistry()
			b := broker.NewRedis(client, told.log(), registry)
			b.ProbeEvery(500 * time.Millisecond)
			k := track(t, b, manyChannels()...)
			time.Sleep(1700 * time.Millisecond)                                                          // three probes
			k.eventually("a connection that works is kept", func() bool { return k.interruptions <= 1 }) // one where this machine stalls
			before := timeouts(t, registry)
			again := s.newConns(2 * tt.nodes)
			s.start()
			eventually(t, "it is tried anew, and again", again)
			eventually(t, "the reason is logged", func() bool { return told.count("does not arrive") == tt.nodes })
			if lost := timeouts(t, registry) - before; lost < float64(tt.nodes) {
				t.Errorf("%v probes are counted as lost, want one of each of %d nodes at least", lost, tt.nodes)
			}
			s.on.Store(false)
			k.wantHealed()
		})
	}
}
