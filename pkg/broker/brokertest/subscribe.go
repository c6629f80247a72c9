package brokertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
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

func traceIsPublished(t *testing.T, b broker.Broker) {
	c := id.New()
	s := subscribe(t, b, chat.ConversationChannel(c))
	first := Event(c, 1, "hello")
	for _, e := range []chat.Event{first, Change(first, 2, "edited")} {
		e.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		announce(t, b, e)
		var got chat.Event
		must(t, json.Unmarshal(receive(t, s).Payload, &got))
		if got.Trace != e.Trace {
			t.Errorf("the event %d came with the trace %q", e.Rev, got.Trace)
		}
		logged := logOf(t, b, c, e.Rev-1)
		e.Trace = ""
		wantLog(t, logged, e)
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
	tag := "{" + id.New() + "}" // what comes on channels of one cluster slot is in order too
	shared, own := "shared-"+tag, "own-"+tag
	first, second := subscribe(t, b, shared, own), subscribe(t, b, shared, shared)
	publish(t, b, own, "to the first")
	publish(t, b, shared, "to both")
	wantDelivery(t, first, own, "to the first")
	wantDelivery(t, first, shared, "to both")
	wantDelivery(t, second, shared, "to both")
	wantNothing(t, b, second, tag)
}

func removed(t *testing.T, b broker.Broker) {
	tag := "{" + id.New() + "}"
	kept, gone := "kept-"+tag, "gone-"+tag
	s := subscribe(t, b, kept, gone)
	s.Remove(gone)
	publish(t, b, gone, "to nobody")
	publish(t, b, kept, "to us")
	wantDelivery(t, s, kept, "to us")
	s.Remove(gone) // again: harmless
	wantNothing(t, b, s, tag)
}

func removedAndAdded(t *testing.T, b broker.Broker) {
	channel := "again-" + id.New()
	s := subscribe(t, b, channel)
	for range 20 {
		s.Remove(channel)
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

func manyInOneAdd(t *testing.T, b broker.Broker) {
	channels := make([]string, 500)
	for i := range channels {
		channels[i] = "many-" + id.New()
	}
	s := subscribe(t, b, channels...)
	for _, channel := range channels {
		publish(t, b, channel, channel)
	}
	missing := map[string]bool{}
	for _, channel := range channels {
		missing[channel] = true
	}
	for range channels {
		d := receive(t, s)
		if string(d.Payload) != d.Channel || !missing[d.Channel] {
			t.Fatalf("received %q on %q, which is another's or here again", d.Payload, d.Channel)
		}
		delete(missing, d.Channel)
	}
	s.Remove(channels...)
	must(t, s.Add(t.Context(), channels[0]))
	publish(t, b, channels[0], "here")
	wantDelivery(t, s, channels[0], "here")
}

// manyAtOnce has each goroutine add a channel, hear what is published then, and remove it, while the others do the same.
func manyAtOnce(t *testing.T, b broker.Broker) {
	s := subscribe(t, b)
	const goroutines, rounds = 8, 50
	heard := map[string]chan string{}
	for i := range goroutines {
		heard[strconv.Itoa(i)] = make(chan string, rounds)
	}
	prefix := id.New() + "-"
	receiving, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for {
			d, err := s.Receive(receiving)
			if err != nil {
				return
			}
			heard[strings.TrimPrefix(d.Channel, prefix)] <- string(d.Payload)
		}
	}()
	var group sync.WaitGroup
	for name, inbox := range heard {
		group.Go(func() {
			for round := range rounds {
				if err := addAndHear(t.Context(), b, s, prefix+name, strconv.Itoa(round), inbox); err != nil {
					t.Errorf("round %d: %v", round, err)
					return
				}
			}
		})
	}
	group.Wait()
}

func addAndHear(ctx context.Context, b broker.Broker, s broker.Subscription, channel, payload string, inbox <-chan string) error {
	if err := s.Add(ctx, channel); err != nil {
		return err
	}
	if err := b.Publish(ctx, channel, []byte(payload)); err != nil {
		return err
	}
	select {
	case got := <-inbox:
		if got != payload {
			return fmt.Errorf("heard %q, want %q", got, payload)
		}
	case <-time.After(wait):
		return fmt.Errorf("%q is not heard", payload)
	}
	s.Remove(channel)
	return nil
}
