package message

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/tracing"
)

const (
	announceWorkers = 8
	announceWaiting = 1000   // events that wait in one conversation; the oldest fall out, and gateways fetch them
	announceTotal   = 20_000 // events that wait in all; past it no more are taken
	announceTimeout = 2 * time.Second
	announceBackoff = 250 * time.Millisecond // at first, doubled to announceMaxWait
	announceMaxWait = 2 * time.Second
	flushTimeout    = 5 * time.Second // for what waits when the service stops
)

// announcer tells the broker of stored events, each conversation's in order of n, beside the requests that stored them.
type announcer struct {
	broker broker.Broker
	log    *slog.Logger
	tracer *tracing.Tracer
	lost   prometheus.Counter
	failed prometheus.Counter

	mu      sync.Mutex
	total   int                     // events in waiting
	waiting map[string][]chat.Event // by conversation; a key without events is being announced
	ready   *turns
}

func newAnnouncer(b broker.Broker, log *slog.Logger, tracer *tracing.Tracer, registerer prometheus.Registerer) *announcer {
	a := &announcer{
		broker: b, log: log, tracer: tracer, waiting: map[string][]chat.Event{}, ready: newTurns(),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "confab_announcements_lost_total", Help: "Events that fell out of a full queue before the broker took them; gateways fetch them.",
		}),
		failed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "confab_announcements_retried_total", Help: "Attempts to announce an event that the broker refused or did not answer.",
		}),
	}
	registerer.MustRegister(a.lost, a.failed)
	return a
}

// add takes events of one conversation in order of n. It never waits.
func (a *announcer) add(conversationID string, events []chat.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.total+len(events) > announceTotal {
		a.lost.Add(float64(len(events)))
		return
	}
	waiting, known := a.waiting[conversationID]
	waiting = append(waiting, events...)
	a.total += len(events)
	if over := len(waiting) - announceWaiting; over > 0 {
		a.lost.Add(float64(over))
		a.total -= over
		waiting = waiting[over:]
	}
	a.waiting[conversationID] = waiting
	if !known {
		a.ready.add(conversationID)
	}
}

// run announces until ctx ends, and then what still waits, for at most flushTimeout.
func (a *announcer) run(ctx context.Context) {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(ctx, func() {
		a.ready.close()
		time.AfterFunc(flushTimeout, stop)
	})
	var workers sync.WaitGroup
	for range announceWorkers {
		workers.Go(func() {
			for conversationID, ok := a.ready.next(); ok; conversationID, ok = a.ready.next() {
				a.announceAll(working, conversationID)
			}
		})
	}
	workers.Wait()
}

// announceAll announces what waits in the conversation, then gives it back.
func (a *announcer) announceAll(ctx context.Context, conversationID string) {
	for {
		a.mu.Lock()
		events := a.waiting[conversationID]
		if len(events) == 0 {
			delete(a.waiting, conversationID)
			a.mu.Unlock()
			return
		}
		a.waiting[conversationID] = nil
		a.total -= len(events)
		a.mu.Unlock()
		for i, e := range events {
			if !a.announce(ctx, e) {
				a.lost.Add(float64(len(events) - i))
				break
			}
		}
	}
}

// announce tries until the broker has taken the event or ctx ends.
func (a *announcer) announce(ctx context.Context, e chat.Event) bool {
	traced, span := a.tracer.Follow(ctx, e.Trace, "announce", trace.SpanKindProducer)
	defer span.End()
	if span.IsRecording() {
		e.Trace = tracing.Parent(traced)
	}
	for wait := announceBackoff; ; wait = min(2*wait, announceMaxWait) {
		err := a.try(ctx, e)
		if err == nil {
			return true
		}
		a.failed.Inc()
		a.log.WarnContext(ctx, "event not announced", "error", err.Error(), "trace_id", tracing.ID(traced))
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

func (a *announcer) try(ctx context.Context, e chat.Event) error {
	ctx, cancel := context.WithTimeout(ctx, announceTimeout)
	defer cancel()
	return a.broker.Announce(ctx, e)
}
