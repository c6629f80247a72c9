package mongokit

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// WithMetrics has the registerer tell of the client's connections and commands. Clients on one registerer add up.
func WithMetrics(registerer prometheus.Registerer) Option {
	pool, commands := poolMetrics(registerer), commandMetrics(registerer)
	return func(o *options.ClientOptions) {
		o.SetPoolMonitor(pool)
		WithMonitor(commands)(o)
	}
}

func poolMetrics(registerer prometheus.Registerer) *event.PoolMonitor {
	connections := register(registerer, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "confab_store_connections", Help: "Connections to MongoDB: open, and those of them in_use by a command.",
	}, []string{"state"}))
	failed := register(registerer, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "confab_store_connection_waits_failed_total",
		Help: "Times that a command got no connection to MongoDB: none was free in time, or none could be made.",
	}))
	open, inUse := connections.WithLabelValues("open"), connections.WithLabelValues("in_use")
	return &event.PoolMonitor{Event: func(e *event.PoolEvent) {
		switch e.Type {
		case event.ConnectionCreated: // and about to be dialed; one that fails is closed
			open.Inc()
		case event.ConnectionClosed:
			open.Dec()
		case event.ConnectionCheckedOut:
			inUse.Inc()
		case event.ConnectionCheckedIn:
			inUse.Dec()
		case event.ConnectionCheckOutFailed:
			failed.Inc()
		}
	}}
}

func commandMetrics(registerer prometheus.Registerer) *event.CommandMonitor {
	sent := register(registerer, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "confab_store_commands_total",
		Help: "Commands sent to MongoDB, retries included, by name; other are those about no documents, such as a ping.",
	}, []string{"command"}))
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		name := e.CommandName
		switch name {
		case "find", "getMore", "aggregate", "count", "distinct", "insert", "update", "delete", "findAndModify":
		default:
			name = "other"
		}
		sent.WithLabelValues(name).Inc()
	}}
}

// register returns the collector, or the one that an earlier client registered in its place.
func register[C prometheus.Collector](registerer prometheus.Registerer, collector C) C {
	err := registerer.Register(collector)
	if earlier, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		return earlier.ExistingCollector.(C)
	}
	if err != nil {
		panic(err) // another metric has the name, which is a mistake of the code: as MustRegister
	}
	return collector
}
