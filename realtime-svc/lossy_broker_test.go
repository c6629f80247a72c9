package realtime

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/pause"
)

// lossy is a broker that does what the real one is allowed to: it loses, delays, reorders and doubles what it carries, to each replica
// otherwise, and its logs lack events. What becomes of an event hangs on the seed and the event, not on which goroutine comes first.
type lossy struct {
	*broker.Memory
	seed uint64
	bad  atomic.Bool

	mu        sync.Mutex
	forgotten map[string]int64 // by conversation: the log holds what came after
	heard     map[*lossySubscription]struct{}
}

func newLossy(seed uint64) *lossy {
	return &lossy{Memory: broker.NewMemory(), seed: seed, forgotten: map[string]int64{}, heard: map[*lossySubscription]struct{}{}}
}

func (l *lossy) dice(parts ...any) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, parts...)
	return rand.New(rand.NewPCG(l.seed, h.Sum64()))
}

// Announce loses some events before the log has them, and brings others late.
func (l *lossy) Announce(ctx context.Context, e chat.Event) error {
	if !l.bad.Load() {
		return l.Memory.Announce(ctx, e)
	}
	dice := l.dice("announce", e.ConversationID, e.Rev)
	switch dice.IntN(8) {
	case 0:
		return nil
	case 1:
		time.AfterFunc(upTo(dice, 2*time.Second), func() { _ = l.Memory.Announce(context.Background(), e) })
		return nil
	default:
		return l.Memory.Announce(ctx, e)
	}
}

func (l *lossy) Log(ctx context.Context, conversationID string, after int64) ([]chat.Event, error) {
	events, err := l.Memory.Log(ctx, conversationID, after)
	l.mu.Lock()
	for len(events) > 0 && events[0].Rev <= l.forgotten[conversationID] {
		events = events[1:]
	}
	l.mu.Unlock()
	if err != nil || len(events) == 0 || !l.bad.Load() {
		return events, err
	}
	dice := l.dice("log", conversationID, after, time.Now().UnixNano())
	pause.For(ctx, upTo(dice, 200*time.Millisecond))
	switch dice.IntN(4) {
	case 0:
		return nil, errors.New("the log is out of reach")
	case 1:
		hole := dice.IntN(len(events))
		return append(events[:hole:hole], events[hole+1:]...), nil
	default:
		return events, nil
	}
}

// restart forgets a log up to rev. Subscribers are told, or not.
func (l *lossy) restart(conversationID string, rev int64, told bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forgotten[conversationID] = rev
	for s := range l.heard {
		if told {
			s.interrupt()
		}
	}
}

// lossyTo is the broker as one replica sees it.
type lossyTo struct {
	*lossy
	replica int
}

func (l lossyTo) Subscribe(ctx context.Context) (broker.Subscription, error) {
	inner, err := l.Memory.Subscribe(ctx)
	if err != nil {
		return nil, err
	}
	s := &lossySubscription{
		Subscription: inner, from: l, out: make(chan broker.Delivery, 8192), lost: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	l.mu.Lock()
	l.heard[s] = struct{}{}
	l.mu.Unlock()
	go s.carry() // until Close
	return s, nil
}

type lossySubscription struct {
	broker.Subscription
	from   lossyTo
	out    chan broker.Delivery
	lost   chan struct{}
	closed chan struct{} // when carry has ended
}

func (s *lossySubscription) carry() {
	defer close(s.closed)
	for {
		d, err := s.Subscription.Receive(context.Background())
		switch {
		case errors.Is(err, broker.ErrInterrupted):
			s.interrupt()
		case err != nil:
			return
		case s.from.bad.Load():
			s.maybe(d)
		default:
			s.put(d)
		}
	}
}

func (s *lossySubscription) maybe(d broker.Delivery) {
	dice := s.from.dice("deliver", s.from.replica, d.Channel, string(d.Payload))
	switch dice.IntN(10) {
	case 0, 1:
	case 2, 3: // about the time that a gap waits
		time.AfterFunc(upTo(dice, 150*time.Millisecond), func() { s.put(d) })
	case 4:
		time.AfterFunc(upTo(dice, 5*time.Second), func() { s.put(d) })
	case 5:
		s.put(d)
		time.AfterFunc(upTo(dice, 5*time.Second), func() { s.put(d) })
	default:
		s.put(d)
	}
}

func (s *lossySubscription) put(d broker.Delivery) {
	select {
	case s.out <- d:
	default:
		s.interrupt()
	}
}

func (s *lossySubscription) interrupt() {
	select {
	case s.lost <- struct{}{}:
	default:
	}
}

func (s *lossySubscription) Receive(ctx context.Context) (broker.Delivery, error) {
	select {
	case <-s.closed:
		return broker.Delivery{}, broker.ErrClosed
	case <-ctx.Done():
		return broker.Delivery{}, ctx.Err()
	case <-s.lost:
		return broker.Delivery{}, broker.ErrInterrupted
	case d := <-s.out:
		return d, nil
	}
}

func (s *lossySubscription) Close() error {
	s.from.mu.Lock()
	delete(s.from.heard, s)
	s.from.mu.Unlock()
	return s.Subscription.Close()
}

func upTo(dice *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(dice.Int64N(int64(d)))
}
