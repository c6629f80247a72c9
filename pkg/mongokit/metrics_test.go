package mongokit_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/mongokit"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
)

// pool is what the metrics say of the clients' connections.
type pool struct{ open, inUse, failed float64 }

func readPool(t *testing.T, registry *prometheus.Registry) pool {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				if label.GetName() == "state" {
					name += " " + label.GetValue()
				}
			}
			values[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	if len(values) != 3 {
		t.Errorf("the metrics are %v, want three", values)
	}
	return pool{values["confab_store_connections open"], values["confab_store_connections in_use"], values["confab_store_connection_waits_failed_total"]}
}

// measured returns a client of one connection, whose metrics are in the registerer. It calls started at each command.
func measured(t *testing.T, registerer prometheus.Registerer, started func()) *mongo.Client {
	t.Helper()
	client, err := mongokit.Connect(t.Context(), mongotest.URI(t), mongokit.WithMetrics(registerer),
		mongokit.WithMonitor(&event.CommandMonitor{Started: func(context.Context, *event.CommandStartedEvent) { started() }}),
		func(o *options.ClientOptions) { o.SetMaxPoolSize(1) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
	return client
}

func TestMetricsCountConnections(t *testing.T) {
	registry := prometheus.NewRegistry()
	var during pool
	client := measured(t, registry, func() { during = readPool(t, registry) })
	if err := client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "ping", Value: 1}}).Err(); err != nil {
		t.Fatal(err)
	}
	if want := (pool{open: 1, inUse: 1}); during != want {
		t.Errorf("during a command: %+v, want %+v", during, want)
	}
	if got, want := readPool(t, registry), (pool{open: 1}); got != want {
		t.Errorf("after it: %+v, want %+v", got, want)
	}
	if err := client.Disconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := readPool(t, registry); got != (pool{}) {
		t.Errorf("after the client ended: %+v, want nothing", got)
	}
}

func TestMetricsCountWaitsInVain(t *testing.T) {
	registry := prometheus.NewRegistry()
	wait := func() {}
	client := measured(t, registry, func() { wait() })
	wait = func() {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := client.Ping(ctx, nil); err == nil {
			t.Error("a second command got a connection")
		}
	}
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got, want := readPool(t, registry), (pool{open: 1, failed: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMetricsOfClientsOnOneRegistererAddUp(t *testing.T) {
	registry := prometheus.NewRegistry()
	for range 2 {
		measured(t, prometheus.WrapRegistererWith(prometheus.Labels{"service": "a-svc"}, registry), func() {})
	}
	if got, want := readPool(t, registry), (pool{open: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
