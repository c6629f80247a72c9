// Package mongokit is what Confab's stores share of MongoDB: a client that keeps their promises whatever the URI says,
// two ways to read, the reading of errors, and indexes.
package mongokit

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// Limits of a client where the URI names no others.
const (
	selectionTimeout = 10 * time.Second // to find the primary; an election fits in
	dialTimeout      = 5 * time.Second
	operationTimeout = 10 * time.Second // of an operation whose context has no deadline
)

// An Option changes the client that Connect makes.
type Option func(*options.ClientOptions)

// WithMonitor has m see every command, as the monitors of the other options do.
func WithMonitor(m *event.CommandMonitor) Option {
	return func(o *options.ClientOptions) {
		if o.Monitor == nil {
			o.SetMonitor(m)
			return
		}
		o.SetMonitor(&event.CommandMonitor{
			Started:   both(o.Monitor.Started, m.Started),
			Succeeded: both(o.Monitor.Succeeded, m.Succeeded),
			Failed:    both(o.Monitor.Failed, m.Failed),
		})
	}
}

// both calls first and then second, either of which may be nil.
func both[Event any](first, second func(context.Context, Event)) func(context.Context, Event) {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return func(ctx context.Context, e Event) {
		first(ctx, e)
		second(ctx, e)
	}
}

// Connect returns a client that has reached the primary. Its writes wait for the journals of a majority, and it reads what
// a majority holds from the primary: Confab promises on top of these, so the URI cannot change them.
//
// The error is about the URI, or that the primary cannot be reached before ctx ends; the URI's password is not in it.
func Connect(ctx context.Context, uri string, opts ...Option) (*mongo.Client, error) {
	client, err := mongo.Connect(clientOptions(uri, opts))
	if err != nil {
		return nil, fmt.Errorf("mongodb: %w", err)
	}
	if err := client.Ping(ctx, nil); err != nil {
		_ = client.Disconnect(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("mongodb: %w", err)
	}
	return client, nil
}

func clientOptions(uri string, opts []Option) *options.ClientOptions {
	o := options.Client().
		SetServerSelectionTimeout(selectionTimeout).
		SetConnectTimeout(dialTimeout).
		SetTimeout(operationTimeout).
		ApplyURI(uri).
		SetWriteConcern(durable()).
		SetReadConcern(readconcern.Majority()).
		SetReadPreference(readpref.Primary())
	for _, opt := range opts {
		opt(o)
	}
	return o
}

// durable is the write concern of everything Confab acknowledges.
func durable() *writeconcern.WriteConcern {
	journal := true
	return &writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}
}
