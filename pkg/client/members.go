package client

import (
	"slices"

	"github.com/confab-chat/confab/pkg/chat"
)

// addition tells that the user was brought into a conversation, as of a version of its members.
type addition struct {
	conversationID string
	version        int64
}

// maxAdditions bounds what is remembered of additions: a removal from before one is late by moments.
const maxAdditions = 64

// member passes on what changed about members. Whoever is removed herself is out on all her sockets.
func (s *Socket) member(c *connection, r *room, f frame) {
	herself := f.UserID == c.userID
	switch removed := f.Type == chat.MemberRemoved; {
	case !herself:
	case !removed:
		s.noteAddition(f)
	case f.MembersVersion < s.addedAt(f.ConversationID):
		s.joinAnew(c, r)
		return
	case r != nil:
		s.forget(r)
	}
	if herself || r != nil {
		s.queue.put(item{value: chat.MemberEvent{
			Type: f.Type, ConversationID: f.ConversationID, UserID: f.UserID, Version: f.MembersVersion, FromSeq: f.FromSeq,
		}})
	}
}

// noteAddition remembers the newest addition to each of the conversations that were heard of last.
func (s *Socket) noteAddition(f frame) {
	newest := addition{f.ConversationID, max(f.MembersVersion, s.addedAt(f.ConversationID))}
	s.additions = slices.DeleteFunc(s.additions, func(a addition) bool { return a.conversationID == f.ConversationID })
	s.additions = append(s.additions, newest)
	s.additions = s.additions[max(0, len(s.additions)-maxAdditions):]
}

// addedAt returns the version of the user's newest addition to a conversation; zero: none is remembered.
func (s *Socket) addedAt(conversationID string) int64 {
	for _, a := range s.additions {
		if a.conversationID == conversationID {
			return a.version
		}
	}
	return 0
}

// joinAnew makes up for a removal that came late: the server may have put the socket out for it, and may not.
func (s *Socket) joinAnew(c *connection, r *room) {
	switch {
	case r == nil:
	case r.behind:
		r.mustJoin = true
	default:
		s.join(c, r, false)
	}
}
