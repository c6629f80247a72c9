package mongokit_test

import (
	"context"
	"maps"
	"strings"
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
	values := gather(t, registry, "confab_store_connection")
	if len(values) != 3 {
		t.Errorf("the metrics are %v, want three", values)
	}
	return pool{values["open"], values["in_use"], values["confab_store_connection_waits_failed_total"]}
}

// gather returns the values of the metrics whose names begin so, each by its state or command, else by its name.
func gather(t *testing.T, registry *prometheus.Registry, prefix string) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), prefix) {
			continue
		}
		for _, m := range family.GetMetric() {
			key := family.GetName()
			for _, label := range m.GetLabel() {
				if label.GetName() == "state" || label.GetName() == "command" {
					key = label.GetValue()
				}
			}
			values[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return values
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

func TestMetricsCountCommands(t *testing.T) {
	registry := prometheus.NewRegistry()
	client := measured(t, registry, func() {}) // it has sent a ping
	coll := client.Database(mongotest.Database(t).Name()).Collection("things")
	one := bson.D{{Key: "_id", Value: 1}}
	touch := bson.D{{Key: "$set", Value: bson.D{{Key: "touched", Value: true}}}}
	for _, send := range []func() error{
		func() error { return client.Ping(t.Context(), nil) },
		func() error {
			_, err := coll.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "touched", Value: 1}}})
			return err
		},
		func() error { _, err := coll.InsertOne(t.Context(), one); return err },
		func() error { _, err := coll.InsertMany(t.Context(), []bson.D{{}, {}}); return err },
		func() error { _, err := coll.UpdateOne(t.Context(), one, touch); return err },
		func() error { return coll.FindOneAndUpdate(t.Context(), one, touch).Err() },
		func() error {
			all, err := coll.Find(t.Context(), bson.D{}, options.Find().SetBatchSize(2))
			if err != nil {
				return err
			}
			return all.All(t.Context(), &[]bson.Raw{}) // three documents: the find's batch, and one more
		},
		func() error { _, err := coll.CountDocuments(t.Context(), bson.D{}); return err }, // an aggregate
		func() error { _, err := coll.EstimatedDocumentCount(t.Context()); return err },
		func() error { _ = coll.Distinct(t.Context(), "touched", bson.D{}); return nil }, // sent, though the stand-in refuses it
		func() error { _, err := coll.DeleteOne(t.Context(), one); return err },
	} {
		if err := send(); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]float64{
		"find": 1, "getMore": 1, "aggregate": 1, "count": 1, "distinct": 1,
		"insert": 2, "update": 1, "delete": 1, "findAndModify": 1, "other": 3,
	}
	if got := gather(t, registry, "confab_store_commands_total"); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMetricsAndMonitorsAllSeeEveryCommand(t *testing.T) {
	registry := prometheus.NewRegistry()
	type seen struct{ started, succeeded, failed int }
	var before, after seen
	watch := func(s *seen) mongokit.Option {
		return mongokit.WithMonitor(&event.CommandMonitor{
			Started:   func(context.Context, *event.CommandStartedEvent) { s.started++ },
			Succeeded: func(context.Context, *event.CommandSucceededEvent) { s.succeeded++ },
			Failed:    func(context.Context, *event.CommandFailedEvent) { s.failed++ },
		})
	}
	opts := []mongokit.Option{watch(&before), mongokit.WithMetrics(registry), watch(&after)}
	for range 2 { // the second client's commands are not seen twice
		client, err := mongokit.Connect(t.Context(), mongotest.URI(t), opts...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
		if err := client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "noSuchCommand", Value: 1}}).Err(); err == nil {
			t.Fatal("the command did not fail")
		}
	}
	want := seen{started: 4, succeeded: 2, failed: 2}
	if before != want || after != want {
		t.Errorf("the monitor before the metrics saw %+v, the one after them %+v, want %+v", before, after, want)
	}
	if got := gather(t, registry, "confab_store_commands_total"); got["other"] != 4 {
		t.Errorf("the metrics are %v, want 4 others", got)
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
	if got := gather(t, registry, "confab_store_commands_total"); got["other"] != 2 {
		t.Errorf("the commands are %v, want a ping of each client", got)
	}
}
