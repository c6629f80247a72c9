package client

import (
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// hear takes a frame. It returns the room that fell behind with it, whose feed is to be read now; nil: none.
func (s *Socket) hear(c *connection, f frame) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answered := c.answers[f.ID]; answered != nil {
		delete(c.answers, f.ID)
		answered(f)
		return nil
	}
	r := s.rooms[f.ConversationID]
	if c.leaving[f.ConversationID] {
		r = nil
	}
	switch f.Type {
	case chat.MessageCreated, chat.MessageUpdated, chat.MessageDeleted:
		return s.event(r, chat.Event{Type: f.Type, ConversationID: f.ConversationID, Rev: f.Rev, Message: f.Message})
	case chat.Resync:
		return s.resync(r, f)
	case chat.MemberAdded, chat.MemberRemoved:
		s.member(c, r, f)
	case chat.Read:
		s.offer(r, chat.ReadEvent{Type: f.Type, ConversationID: f.ConversationID, UserID: f.UserID, Seq: f.Seq})
	case chat.Typing:
		s.offer(r, chat.TypingEvent{Type: f.Type, ConversationID: f.ConversationID, UserID: f.UserID})
	case chat.Inbox:
		s.queue.offer(item{value: chat.InboxEvent{Type: f.Type, ConversationID: f.ConversationID, Seq: f.Seq, Rev: f.Rev}})
	case chat.Reconnect:
		c.window = time.Duration(f.AfterMS) * time.Millisecond
	}
	return nil
}

// offer passes on what may be lost.
func (s *Socket) offer(r *room, value any) {
	if r != nil {
		s.queue.offer(item{r, value})
	}
}

// event passes on a live event, or holds it. It returns the room where it falls behind.
func (s *Socket) event(r *room, e chat.Event) *room {
	switch {
	case r == nil || r.last == FromNow: // of before a Join, or after a Leave
		return nil
	case r.behind:
		s.hold(r, e)
		return nil
	case e.Rev <= r.last && r.gapOf(e.Rev) >= 0: // it comes behind a later one: perhaps others do not come at all
		s.stats.outOfOrder.Add(1)
		return s.fallBehind(r, r.skipped[r.gapOf(e.Rev)].first-1, r.last)
	case e.Rev <= r.last:
		if e.Rev > r.floor {
			s.stats.duplicates.Add(1)
		}
		return nil
	case !s.queue.offer(item{r, e}):
		s.fallBehind(r, r.last, r.last)
		s.hold(r, e)
		return r
	}
	r.pass(e.Rev)
	return nil
}

// resync takes the server's word that events were left out. It returns the room where nobody reads its feed yet.
func (s *Socket) resync(r *room, f frame) *room {
	if r == nil || r.last == FromNow {
		return nil
	}
	s.queue.put(item{value: chat.InboxEvent{Type: chat.Inbox}})
	fresh := s.fallBehind(r, r.last, f.Rev)
	r.mustJoin = r.mustJoin || !f.Live
	return fresh
}
