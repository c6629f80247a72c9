package conversation

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
)

const (
	newsLen        = 4096 // events that wait for the broker; what comes when they are full is dropped, and counted
	publishTimeout = 500 * time.Millisecond
	flushTimeout   = 2 * time.Second // for what still waits when the program ends
)

// publisher publishes events as JSON and counts what became of them. Nothing relies on their arrival: receivers compare
// versions and positions.
type publisher struct {
	broker  broker.Broker
	log     *slog.Logger
	outcome *prometheus.CounterVec
}

func newPublisher(b broker.Broker, log *slog.Logger, registerer prometheus.Registerer) *publisher {
	p := &publisher{broker: b, log: log, outcome: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "confab_publishes_total",
		Help: "Events given to the broker, by event and outcome: ok, failed (the broker) or dropped (too many waited).",
	}, []string{"event", "outcome"})}
	registerer.MustRegister(p.outcome)
	return p
}

func (p *publisher) publish(ctx context.Context, name, channel string, payload []byte) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := p.broker.Publish(ctx, channel, payload); err != nil {
		p.outcome.WithLabelValues(name, "failed").Inc()
		p.log.DebugContext(ctx, "event not published", "event", name, "error", err.Error())
		return
	}
	p.outcome.WithLabelValues(name, "ok").Inc()
}

// news tells the broker of members and read positions. Requests leave events here and do not wait for the broker. Events of members are
// published in the order in which they came, and so are those of read positions.
type news struct {
	publisher *publisher
	members   chan chat.MemberEvent
	reads     chan chat.ReadEvent
}

func newNews(p *publisher) *news {
	return &news{publisher: p, members: make(chan chat.MemberEvent, newsLen), reads: make(chan chat.ReadEvent, newsLen)}
}

func (n *news) member(e chat.MemberEvent) { offer(n.publisher, n.members, "member", e) }

func (n *news) memberRemoved(conversationID, userID string, version int64) {
	n.member(chat.MemberEvent{Type: chat.MemberRemoved, ConversationID: conversationID, UserID: userID, Version: version})
}

func (n *news) read(e chat.ReadEvent) { offer(n.publisher, n.reads, "read", e) }

func offer[E any](p *publisher, queue chan E, name string, event E) {
	select {
	case queue <- event:
	default:
		p.outcome.WithLabelValues(name, "dropped").Inc()
	}
}

// run publishes until ctx ends, and then what still waits.
func (n *news) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() {
		drain(ctx, n.members, func(ctx context.Context, e chat.MemberEvent) {
			channels := []string{chat.ConversationChannel(e.ConversationID), chat.MembersChannel, chat.UserChannel(e.UserID)}
			if e.Type == chat.MemberCleared {
				channels = channels[:2]
			}
			n.publish(ctx, "member", e, channels...)
		})
	})
	wg.Go(func() {
		drain(ctx, n.reads, func(ctx context.Context, e chat.ReadEvent) {
			n.publish(ctx, "read", e, chat.ConversationChannel(e.ConversationID))
		})
	})
	wg.Wait()
}

func (n *news) publish(ctx context.Context, name string, event any, channels ...string) {
	payload, _ := json.Marshal(event) // strings and numbers always encode
	for _, channel := range channels {
		n.publisher.publish(ctx, name, channel, payload)
	}
}

// drain handles what comes until ctx ends, then what waits, for at most flushTimeout.
func drain[E any](ctx context.Context, queue <-chan E, handle func(context.Context, E)) {
	for {
		select {
		case e := <-queue:
			handle(context.WithoutCancel(ctx), e)
		case <-ctx.Done():
			flush(context.WithoutCancel(ctx), queue, handle)
			return
		}
	}
}

func flush[E any](ctx context.Context, queue <-chan E, handle func(context.Context, E)) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case e := <-queue:
			handle(ctx, e)
		default:
			return
		}
	}
}
