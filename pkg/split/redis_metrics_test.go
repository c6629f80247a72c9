package split_test

import (
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/redistest"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/split"
)

// pool is what the metrics say of the connections to Redis.
type pool struct{ open, inUse, failed float64 }

func readPool(t *testing.T, registry *prometheus.Registry) pool {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "confab_redis_") {
			continue
		}
		for _, m := range family.GetMetric() {
			key := family.GetName()
			for _, label := range m.GetLabel() {
				key += " " + label.GetValue()
			}
			values[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	if len(values) != 3 {
		t.Fatalf("the metrics are %v, want three", values)
	}
	return pool{values["confab_redis_connections open"], values["confab_redis_connections in_use"], values["confab_redis_connection_waits_failed_total"]}
}

// awaitPool fails the test if the metrics do not come to say so.
func awaitPool(t *testing.T, registry *prometheus.Registry, want pool) {
	t.Helper()
	var got pool
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if got = readPool(t, registry); got == want {
			return
		}
	}
	t.Errorf("got %+v, want %+v", got, want)
}

// connect returns the broker of a service that runs by itself, and its metrics.
func connect(t *testing.T, redisURL string) (broker.Broker, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	cfg := split.Config{RedisURL: config.Secret(redisURL), ServiceKeys: "a secret of at least 32 characters"}
	env, err := cfg.Connect(server.Env{Log: slog.New(slog.DiscardHandler), Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	return env.Broker, registry
}

func TestMetricsCountConnectionsToRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.StartServer(t)
	b, registry := connect(t, redis.URL()+"?pool_size=1&pool_timeout=20ms&max_retries=-1")
	awaitPool(t, registry, pool{})
	if err := b.Publish(t.Context(), "channel", nil); err != nil {
		t.Fatal(err)
	}
	awaitPool(t, registry, pool{open: 1})

	redis.Pause(t)
	published := make(chan error)
	go func() { published <- b.Publish(t.Context(), "channel", nil) }()
	awaitPool(t, registry, pool{open: 1, inUse: 1})
	if err := b.Publish(t.Context(), "channel", nil); err == nil {
		t.Error("a second command got a connection")
	}
	awaitPool(t, registry, pool{open: 1, inUse: 1, failed: 1})
	redis.Resume(t)
	if err := <-published; err != nil {
		t.Error(err)
	}
	awaitPool(t, registry, pool{open: 1, failed: 1})
}

func TestMetricsCountTheConnectionsToEveryNodeOfACluster(t *testing.T) {
	t.Parallel()
	b, registry := connect(t, redistest.StartCluster(t).URL())
	for i := range 12 { // in as many slots, and on every node
		if err := b.Publish(t.Context(), "channel-"+strconv.Itoa(i), nil); err != nil {
			t.Fatal(err)
		}
	}
	awaitPool(t, registry, pool{open: 3})
}

func TestMetricsDoNotWaitForASilentCluster(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, registry := connect(t, "redis+cluster://"+silent.Addr().String())
	began := time.Now()
	if got := readPool(t, registry); got != (pool{}) {
		t.Errorf("got %+v, want nothing", got)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
}
