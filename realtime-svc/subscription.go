package realtime

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
)

// subscription is a socket that joined a conversation. All but its first four fields are guarded by the room's lock.
type subscription struct {
	room    *room
	session *session
	userID  string // empty: a stranger, who may hear that there is something, and no more
	encoder encoder

	fromSeq   int64 // the member's history starts after it
	gone      bool
	replaying bool    // what passes is held until the events before it are written
	held      []frame // while replaying
	heldBytes int
	missed    bool // more passed than can be held
}

// give sends an event, or holds it. A socket that has no room for it is put out.
func (s *subscription) give(b *broadcast) {
	f := b.frame(s.encoder)
	f.passage = f.passage.to()
	switch {
	case f.data == nil:
	case s.replaying && f.class == droppable:
	case s.replaying:
		s.hold(f)
	case !s.session.out.put(f):
		s.fallBehind()
	}
}

func (s *subscription) hold(f frame) {
	s.heldBytes += len(f.data)
	s.missed = s.missed || s.heldBytes > s.session.out.limit
	if s.missed {
		s.held = nil
		return
	}
	s.held = append(s.held, f)
}

// fallBehind puts out a socket that has missed events: it reads them over HTTP, and joins again.
func (s *subscription) fallBehind() {
	if s.detach() {
		s.resync(false)
		s.room.hub.giveBack(s)
	}
}

func (s *subscription) resync(live bool) {
	s.session.out.put((&broadcast{kind: chat.Resync, class: essential, body: resyncEvent{
		Type: chat.Resync, ConversationID: s.room.id, Rev: s.room.order.newest, Live: live,
	}}).frame(s.encoder))
}

// detach ends the subscription. It returns false where it has ended before: the room is given back once.
func (s *subscription) detach() bool {
	if s.gone {
		return false
	}
	s.gone, s.held = true, nil
	delete(s.room.joined, s)
	s.session.forget(s)
	return true
}

// replay writes the events after+1 … to in their order, as fast as the socket takes them. It returns errNotFound where the member is
// removed meanwhile.
func (s *subscription) replay(ctx context.Context, after, to int64) error {
	for after < to {
		events, source, err := s.room.hub.history.next(ctx, s.room.id, after, to)
		if err != nil {
			return err
		}
		s.room.hub.metrics.replayed.WithLabelValues(source).Add(float64(len(events)))
		for _, e := range events[:min(int64(len(events)), to-after)] {
			if err := s.write(ctx, e); err != nil {
				return err
			}
		}
		after = min(to, after+int64(len(events)))
	}
	return nil
}

// write writes one event of the past, once the socket has room for it.
func (s *subscription) write(ctx context.Context, e chat.Event) error {
	f := (&broadcast{kind: e.Type, class: eventful, body: e}).frame(s.encoder)
	for {
		written, err := s.offer(f, e.Message.Seq)
		if written || err != nil {
			return err
		}
		if err := s.session.out.waitForRoom(ctx); err != nil {
			return err
		}
	}
}

func (s *subscription) offer(f frame, seq int64) (bool, error) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if s.gone {
		return false, errNotFound
	}
	return seq <= s.fromSeq || s.session.out.offer(f), nil
}

// arrived answers the join, behind the replayed events and before all later ones. It returns false where the member was removed.
func (s *subscription) arrived(c command, to int64) bool {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if !s.gone {
		s.session.reply(c, result{Joined: &position{ConversationID: s.room.id, Rev: to}})
	}
	return !s.gone
}

// goLive writes what was held, as fast as the socket takes it, and then lets events through as they pass.
func (s *subscription) goLive(ctx context.Context) error {
	for !s.release() {
		if err := s.session.out.waitForRoom(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *subscription) release() bool {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if s.missed && !s.gone {
		s.fallBehind()
	}
	for len(s.held) > 0 && s.session.out.offer(s.held[0]) {
		s.heldBytes -= len(s.held[0].data)
		s.held = s.held[1:]
	}
	s.replaying = len(s.held) > 0
	return !s.replaying
}
