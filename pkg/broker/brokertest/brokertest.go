// Package brokertest holds what every broker promises.
package brokertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/id"
)

// RunBroker runs the contract suite. Each test opens a broker of its own, and uses conversations of its own.
func RunBroker(t *testing.T, open func(t *testing.T) broker.Broker) {
	t.Helper()
	tests := []struct {
		name string
		run  func(t *testing.T, b broker.Broker)
	}{
		{"an announced event is published as JSON", announceIsPublished},
		{"an event's trace goes to its subscribers, and not into the log", traceIsPublished},
		{"the log answers what lies above a rev, in order", logInOrder},
		{"a change replaces the message in older events", changeReplaces},
		{"an event announced again stands in the log once", announceAgain},
		{"an old event announced late does not bring an old state back", announceLate},
		{"the log is bounded in entries", logBoundedInEntries},
		{"the log is bounded in bytes", logBoundedInBytes},
		{"conversations do not mix", conversationsDoNotMix},
		{"what is published after Add is delivered, in order", deliveredInOrder},
		{"each subscription has its own channels", subscriptionsAreApart},
		{"nothing is delivered after Remove", removed},
		{"a channel comes back after Remove and Add", removedAndAdded},
		{"one Add takes hundreds of channels", manyInOneAdd},
		{"Add holds its word while other channels come and go", manyAtOnce},
		{"Receive ends with its context", receiveEnds},
		{"Receive says ErrClosed after Close", closed},
		{"an overflow is told, and deliveries go on", overflow},
		{"a broker that works is in no trouble", func(t *testing.T, b broker.Broker) {
			subscribe(t, b, "channel-"+id.New())
			must(t, b.Trouble())
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

// wait bounds what must come.
const wait = 10 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Event returns the event by which message seq of a conversation came to be.
func Event(conversationID string, seq int64, body string) chat.Event {
	return chat.Event{Type: chat.MessageCreated, ConversationID: conversationID, Rev: seq, Message: &chat.Message{
		ID: fmt.Sprintf("%s-%d", conversationID, seq), ConversationID: conversationID, Seq: seq, Rev: seq,
		AuthorID: "ada", Body: body, ClientMsgID: id.New(), CreatedAt: chat.Now(),
	}}
}

// Change returns the event by which the message of e got a new body.
func Change(e chat.Event, rev int64, body string) chat.Event {
	m := *e.Message
	m.Rev, m.Body = rev, body
	return chat.Event{Type: chat.MessageUpdated, ConversationID: e.ConversationID, Rev: rev, Message: &m}
}

func announce(t *testing.T, b broker.Broker, events ...chat.Event) {
	t.Helper()
	for _, e := range events {
		must(t, b.Announce(t.Context(), e))
	}
}

func logOf(t *testing.T, b broker.Broker, conversationID string, after int64) []chat.Event {
	t.Helper()
	events, err := b.Log(t.Context(), conversationID, after)
	must(t, err)
	return events
}

// wantLog compares a log with events, by all that JSON shows.
func wantLog(t *testing.T, got []chat.Event, want ...chat.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("the log has %d events, want %d", len(got), len(want))
	}
	for i := range want {
		g, _ := json.Marshal(got[i])  // a message always encodes
		w, _ := json.Marshal(want[i]) // a message always encodes
		if !bytes.Equal(g, w) {
			t.Errorf("event %d of the log is %s, want %s", i, g, w)
		}
	}
}

func subscribe(t *testing.T, b broker.Broker, channels ...string) broker.Subscription {
	t.Helper()
	s, err := b.Subscribe(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = s.Close() }) // closed before, in some tests
	if len(channels) > 0 {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		must(t, s.Add(ctx, channels...))
	}
	return s
}

func publish(t *testing.T, b broker.Broker, channel, payload string) {
	t.Helper()
	must(t, b.Publish(t.Context(), channel, []byte(payload)))
}

// receive returns the next delivery.
func receive(t *testing.T, s broker.Subscription) broker.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	d, err := s.Receive(ctx)
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return d
}

func wantDelivery(t *testing.T, s broker.Subscription, channel, payload string) {
	t.Helper()
	if d := receive(t, s); d.Channel != channel || string(d.Payload) != payload {
		t.Fatalf("received %q on %q, want %q on %q", d.Payload, d.Channel, payload, channel)
	}
}

// wantNothing publishes on another channel of the same cluster slot and wants that delivery to be the next.
func wantNothing(t *testing.T, b broker.Broker, s broker.Subscription, tag string) {
	t.Helper()
	marker := "marker-" + tag
	must(t, s.Add(t.Context(), marker))
	publish(t, b, marker, "nothing before me")
	wantDelivery(t, s, marker, "nothing before me")
}

func wantError(t *testing.T, s broker.Subscription, want error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	if d, err := s.Receive(ctx); !errors.Is(err, want) {
		t.Fatalf("received %q and %v, want %v", d.Payload, err, want)
	}
}
