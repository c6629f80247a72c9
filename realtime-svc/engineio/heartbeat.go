package engineio

import "time"

// silence is how long the timer waits for the client. In revision 4 the server pings, and in 3 the client does.
func (s *Session) silence() time.Duration {
	c := &s.server.config
	switch {
	case s.revision == 3:
		return c.PingInterval + c.PingTimeout
	case s.unanswered:
		return c.PingTimeout
	default:
		return c.PingInterval
	}
}

// beat is called when the client was silent for so long.
func (s *Session) beat() {
	s.mu.Lock()
	if s.revision == 3 || s.unanswered {
		s.mu.Unlock()
		s.end(ErrSilent, control(kindClose, ""))
		return
	}
	defer s.mu.Unlock()
	if s.ended != nil {
		return
	}
	s.unanswered = true
	s.timer.Reset(s.silence())
	s.push(control(kindPing, ""))
}

// alive is called when the client has shown that it is.
func (s *Session) alive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unanswered = false
	if s.ended == nil {
		s.timer.Reset(s.silence())
	}
}
