package brokertest

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/id"
)

func announceIsPublished(t *testing.T, b broker.Broker) {
	c := id.New()
	s := subscribe(t, b, chat.ConversationChannel(c))
	for seq := int64(1); seq <= 3; seq++ {
		want := Event(c, seq, "hello")
		announce(t, b, want)
		var got chat.Event
		must(t, json.Unmarshal(receive(t, s).Payload, &got))
		wantLog(t, []chat.Event{got}, want)
	}
}

func deliveredInOrder(t *testing.T, b broker.Broker) {
	one, other := "one-"+id.New(), "other-"+id.New()
	s := subscribe(t, b, one, other)
	for i := range 200 {
		publish(t, b, one, strconv.Itoa(i))
		publish(t, b, other, strconv.Itoa(i))
	}
	next := map[string]int{}
	for range 400 {
		d := receive(t, s)
		if string(d.Payload) != strconv.Itoa(next[d.Channel]) {
			t.Fatalf("received %q, want %d", d.Payload, next[d.Channel])
		}
		next[d.Channel]++
	}
}

func subscriptionsAreApart(t *testing.T, b broker.Broker) {
	shared, own := "shared-"+id.New(), "own-"+id.New()
	first, second := subscribe(t, b, shared, own), subscribe(t, b, shared, shared)
	publish(t, b, own, "to the first")
	publish(t, b, shared, "to both")
	wantDelivery(t, first, own, "to the first")
	wantDelivery(t, first, shared, "to both")
	wantDelivery(t, second, shared, "to both")
	wantNothing(t, b, second)
}

func removed(t *testing.T, b broker.Broker) {
	kept, gone := "kept-"+id.New(), "gone-"+id.New()
	s := subscribe(t, b, kept, gone)
	must(t, s.Remove(t.Context(), gone))
	wantNothing(t, b, s) // it also waits until the broker has heard of the removal
	publish(t, b, gone, "to nobody")
	publish(t, b, kept, "to us")
	wantDelivery(t, s, kept, "to us")
	must(t, s.Remove(t.Context(), gone)) // again: harmless
}

func removedAndAdded(t *testing.T, b broker.Broker) {
	channel := "again-" + id.New()
	s := subscribe(t, b, channel)
	for range 20 {
		must(t, s.Remove(t.Context(), channel))
		must(t, s.Add(t.Context(), channel))
		publish(t, b, channel, "here")
		wantDelivery(t, s, channel, "here")
	}
}

func receiveEnds(t *testing.T, b broker.Broker) {
	s := subscribe(t, b, "quiet-"+id.New())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("receive: %v, want the context's error", err)
	}
}

func closed(t *testing.T, b broker.Broker) {
	channel := "closed-" + id.New()
	s := subscribe(t, b, channel)
	waiting := make(chan error, 1)
	go func() {
		_, err := s.Receive(context.WithoutCancel(t.Context()))
		waiting <- err
	}()
	must(t, s.Close())
	select {
	case err := <-waiting:
		if !errors.Is(err, broker.ErrClosed) {
			t.Errorf("the waiting Receive returns %v", err)
		}
	case <-time.After(wait):
		t.Fatal("the waiting Receive does not return")
	}
	publish(t, b, channel, "to nobody")
	wantError(t, s, broker.ErrClosed)
}

// overflowing is above the deliveries that any subscription holds for its receiver.
const overflowing = 12_000

func overflow(t *testing.T, b broker.Broker) {
	channel := "full-" + id.New()
	s := subscribe(t, b, channel)
	for i := range overflowing {
		publish(t, b, channel, strconv.Itoa(i))
	}
	interrupted := false
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	for next := 0; !interrupted; {
		d, err := s.Receive(ctx)
		switch {
		case errors.Is(err, broker.ErrInterrupted):
			interrupted = true
		case err != nil:
			t.Fatalf("receive: %v before ErrInterrupted", err)
		case string(d.Payload) != strconv.Itoa(next):
			t.Fatalf("received %q, want %d", d.Payload, next)
		default:
			next++
		}
	}
	for quiet := false; !quiet; { // the deliveries that are left
		quiet = !another(t, s)
	}
	publish(t, b, channel, "last")
	wantDelivery(t, s, channel, "last")
}

// another reports whether a delivery or an interruption comes soon.
func another(t *testing.T, s broker.Subscription) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := s.Receive(ctx)
	return err == nil || errors.Is(err, broker.ErrInterrupted)
}
