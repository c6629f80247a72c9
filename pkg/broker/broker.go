// Package broker carries events between replicas. It is the fast path only: whatever it loses is healed from message-svc.
package broker

import (
	"context"
	"errors"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/pause"
)

// Bounds of a conversation's log.
const (
	LogEntries = 500
	LogBytes   = 1 << 20
	LogAge     = 10 * time.Minute
)

// ErrInterrupted says that deliveries may have been lost. The subscription goes on.
var ErrInterrupted = errors.New("the broker's connection was interrupted")

// ErrClosed says that the subscription is closed.
var ErrClosed = errors.New("the subscription is closed")

// Broker is implemented by Redis and by Memory; brokertest holds what both promise.
type Broker interface {
	// Announce adds the event to its conversation's log, replaces the message in the log's older events of the same message, and
	// publishes the event as JSON on chat.ConversationChannel. The log is bounded by LogEntries, LogBytes and LogAge.
	// Announcing an event again is harmless.
	Announce(ctx context.Context, e chat.Event) error
	// Log returns what the log holds above after, in order of rev. It may lack any event: the caller counts.
	Log(ctx context.Context, conversationID string, after int64) ([]chat.Event, error)
	// Publish sends a payload to those who subscribe to the channel now.
	Publish(ctx context.Context, channel string, payload []byte) error
	// Subscribe opens a subscription without channels.
	Subscribe(ctx context.Context) (Subscription, error)
	// Trouble returns an error that says in one line why subscriptions fail at this time, nil where they work. It asks nobody.
	Trouble() error
}

// Subscription receives from channels. Add and Remove may be called beside Receive; Receive by one goroutine.
type Subscription interface {
	// Add returns once whatever is published from now on will be delivered. After an error, the broker goes on trying until the channels
	// are removed, and Receive returns ErrInterrupted once they are added. It returns the context's error, and ErrClosed.
	Add(ctx context.Context, channels ...string) error
	// Remove does not wait for the broker. What is delivered after it came before it.
	Remove(channels ...string)
	// Receive waits for the next delivery. Those of one channel come in order. It returns ErrInterrupted where some may be lost, at once
	// and again when the channels are back: whatever is published after the last one will be delivered. Call it again then. It returns
	// ErrClosed after Close, and the context's error.
	Receive(ctx context.Context) (Delivery, error)
	// Close does not wait for the broker.
	Close() error
}

// Delivery is a payload from a channel.
type Delivery struct {
	Channel string
	Payload []byte
}

const relistenEvery = time.Second

// Listen hands each delivery of the channels to handle until ctx ends, and opens the subscription anew whenever that fails.
func Listen(ctx context.Context, b Broker, channels []string, handle func(Delivery)) {
	for ctx.Err() == nil {
		_ = listenOnce(ctx, b, channels, handle) // the broker may lose anything: what matters is to come back
		pause.For(ctx, relistenEvery)
	}
}

func listenOnce(ctx context.Context, b Broker, channels []string, handle func(Delivery)) error {
	s, err := b.Subscribe(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Add(ctx, channels...); err != nil {
		return err
	}
	for {
		d, err := s.Receive(ctx)
		if errors.Is(err, ErrInterrupted) {
			continue
		}
		if err != nil {
			return err
		}
		handle(d)
	}
}
