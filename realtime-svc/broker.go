package realtime

import (
	"context"
	"errors"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
)

// deliveryLen bounds the deliveries that wait for a shard. When they are full the broker's own queue fills, and tells.
const deliveryLen = 1024

// shard brings what comes on its channels to rooms and users, one delivery after another.
type shard struct {
	rooms      *registry[*room]
	users      *registry[*user]
	deliveries chan delivery
}

type delivery struct {
	topic   interface{ deliver(payload []byte) }
	payload []byte
}

func (h *hub) newShard() *shard {
	return &shard{rooms: newRegistry(h.newRoom), users: newRegistry(h.newUser), deliveries: make(chan delivery, deliveryLen)}
}

func (s *shard) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-s.deliveries:
			d.topic.deliver(d.payload)
		}
	}
}

// receive hands the broker's deliveries to the shards until ctx ends.
func (h *hub) receive(ctx context.Context) {
	for {
		d, err := h.subscription.Receive(ctx)
		switch {
		case errors.Is(err, broker.ErrInterrupted):
			h.checkSoon()
		case err != nil:
			return // ctx has ended, or the App is closed
		default:
			h.route(ctx, d)
		}
	}
}

func (h *hub) route(ctx context.Context, d broker.Delivery) {
	s := h.shard(d.Channel)
	next := delivery{payload: d.Payload}
	if id, ok := chat.ConversationOf(d.Channel); ok {
		if r, ok := s.rooms.get(id); ok {
			next.topic = r
		}
	} else if id, ok := chat.UserOf(d.Channel); ok {
		if u, ok := s.users.get(id); ok {
			next.topic = u
		}
	}
	if next.topic == nil {
		return // the last socket has left meanwhile
	}
	select {
	case s.deliveries <- next:
	case <-ctx.Done():
	}
}

// listen subscribes to a channel. Where the broker does not confirm that in time, the broker goes on trying and tells of it as an
// interruption: until then, what is lost is found by the next comparison of positions.
func (h *hub) listen(ctx context.Context, channel string) {
	ctx, cancel := context.WithTimeout(ctx, subscribeWait)
	defer cancel()
	if err := h.subscription.Add(ctx, channel); err != nil {
		h.metrics.unconfirmed.Inc()
		h.log.WarnContext(ctx, "channel not confirmed", "error", err.Error())
	}
}

func (h *hub) unlisten(channel string) {
	h.subscription.Remove(channel) // what still comes finds nobody
}
