package broker_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
)

// tracker publishes numbers on channels all the time, and holds a subscription to its word: what is published after the last
// ErrInterrupted was returned has to be delivered.
type tracker struct {
	t            *testing.T
	broker       broker.Broker
	subscription broker.Subscription
	channels     []string
	next         atomic.Int64 // the next number
	stop         context.CancelFunc
	publishing   sync.WaitGroup

	mu            sync.Mutex
	published     map[delivery]bool
	delivered     map[delivery]bool
	interruptions int
	due           int64 // numbers from here on have to come
}

type delivery struct {
	channel string
	n       int64
}

func track(t *testing.T, b broker.Broker, channels ...string) *tracker {
	t.Helper()
	k := &tracker{
		t: t, broker: b, channels: channels, subscription: subscribe(t, b, channels...),
		published: map[delivery]bool{}, delivered: map[delivery]bool{},
	}
	var ctx context.Context
	ctx, k.stop = context.WithCancel(t.Context())
	t.Cleanup(k.stop)
	go k.receive()
	k.publishing.Go(func() { k.publish(ctx) })
	k.eventually("each channel delivers", k.eachDelivers)
	return k
}

func (k *tracker) publish(ctx context.Context) {
	for ctx.Err() == nil {
		n := k.next.Add(1)
		for _, channel := range k.channels {
			bounded, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
			err := k.broker.Publish(bounded, channel, strconv.AppendInt(nil, n, 10))
			cancel()
			k.mu.Lock()
			k.published[delivery{channel, n}] = err == nil
			k.mu.Unlock()
		}
		time.Sleep(time.Millisecond) // the pace
	}
}

func (k *tracker) receive() {
	for {
		d, err := k.subscription.Receive(context.Background())
		switch {
		case errors.Is(err, broker.ErrInterrupted):
			k.mu.Lock()
			k.interruptions++
			k.due = k.next.Load() + 1
			k.mu.Unlock()
		case err != nil:
			return
		default:
			n, _ := strconv.ParseInt(string(d.Payload), 10, 64) // else it is 0, which nobody waits for
			k.mu.Lock()
			k.delivered[delivery{d.Channel, n}] = true
			k.mu.Unlock()
		}
	}
}

// wantHealed wants an interruption, every channel to deliver again, and then all that is due.
func (k *tracker) wantHealed() {
	k.t.Helper()
	k.eventually("an interruption is told", func() bool { return k.interruptions > 0 })
	k.eventually("each channel delivers again", k.eachDelivers)
	k.stop()
	k.publishing.Wait()
	k.eventually("all that was published after the last interruption is delivered", func() bool {
		for d, ok := range k.published {
			if ok && d.n >= k.due && !k.delivered[d] {
				return false
			}
		}
		return true
	})
}

// eachDelivers reports whether each channel has delivered what is due, and lately.
func (k *tracker) eachDelivers() bool {
	delivering := map[string]bool{}
	for d := range k.delivered {
		if d.n >= k.due+20 {
			delivering[d.channel] = true
		}
	}
	return len(delivering) == len(k.channels)
}

func (k *tracker) eventually(what string, holds func() bool) {
	k.t.Helper()
	eventually(k.t, what, func() bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		return holds()
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("not within 30 s: %s", what)
}
