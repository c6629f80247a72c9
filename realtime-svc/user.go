package realtime

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/confab-chat/confab/pkg/chat"
)

// user is one with sockets on this replica: what comes on her channel goes to all of them.
type user struct {
	id  string
	hub *hub

	mu       sync.Mutex
	sessions map[*session]struct{}
}

func (h *hub) newUser(id string) *user {
	return &user{id: id, hub: h, sessions: map[*session]struct{}{}}
}

// open never fails: what the channel brings is hints, and ended sessions are found by the sweep too.
func (u *user) open(ctx context.Context) error { //nolint:unparam // a topic's may
	u.hub.listen(ctx, chat.UserChannel(u.id))
	return nil
}

func (u *user) close() { u.hub.unlisten(chat.UserChannel(u.id)) }

// add returns false where the user has maxUserSockets.
func (u *user) add(s *session) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.sessions) >= maxUserSockets {
		return false
	}
	u.sessions[s] = struct{}{}
	return true
}

func (u *user) remove(s *session) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.sessions, s)
}

// deliver takes what the broker brought. What is no event of ours is passed over.
func (u *user) deliver(payload []byte) {
	var p packet
	if json.Unmarshal(payload, &p) != nil {
		return
	}
	u.mu.Lock()
	sessions := make([]*session, 0, len(u.sessions))
	for s := range u.sessions {
		sessions = append(sessions, s)
	}
	u.mu.Unlock()
	switch p.Type {
	case chat.Inbox:
		hint := &broadcast{kind: chat.Inbox, class: droppable,
			body: chat.InboxEvent{Type: chat.Inbox, ConversationID: p.ConversationID, Seq: p.Seq, Rev: p.Rev}}
		for _, s := range sessions {
			s.hint(hint)
		}
	case chat.SessionEnded:
		for _, s := range sessions {
			s.sessionEnded(p.SessionID)
		}
	case chat.MemberAdded:
		u.tell(sessions, &broadcast{kind: p.Type, class: essential, body: p.member()})
	case chat.MemberRemoved:
		u.removed(sessions, p.member())
	}
}

func (u *user) tell(sessions []*session, b *broadcast) {
	for _, s := range sessions {
		s.tell(b)
	}
}

// removed also puts her sockets out of the room: this event may come before the room's own.
func (u *user) removed(sessions []*session, e chat.MemberEvent) {
	for _, s := range sessions {
		if sub := s.subscribed(e.ConversationID); sub != nil {
			sub.room.mu.Lock()
			sub.room.change(e)
			sub.room.mu.Unlock()
		}
		s.removed(e)
	}
}
