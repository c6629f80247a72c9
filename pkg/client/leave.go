package client

import "time"

// Leave ends a Join. No handler gets anything of the conversation after it has returned, but for one that runs already.
func (s *Socket) Leave(conversationID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rooms[conversationID]
	if r == nil {
		return
	}
	r.left.Store(true)
	s.forget(r)
	if c := s.conn; c != nil && !c.leaving[r.id] {
		c.leaving[r.id] = true
		s.leave(c, r.id, 0)
	}
}

// leave has the server end a subscription: where it refuses for now, that goes on. A Join that came meanwhile follows.
func (s *Socket) leave(c *connection, conversationID string, attempt int) {
	c.say(command{Type: "leave", Conversation: conversationID}, func(f frame) {
		if refusal := f.refusal(); passes(refusal) || f.Code == "internal" {
			time.AfterFunc(pauseAfter(refusal, attempt), func() { s.leaveAgain(c, conversationID, attempt+1) })
			return
		}
		delete(c.leaving, conversationID)
		if r := s.rooms[conversationID]; r != nil {
			s.join(c, r, false)
		}
	})
}

func (s *Socket) leaveAgain(c *connection, conversationID string, attempt int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == c {
		s.leave(c, conversationID, attempt)
	}
}
