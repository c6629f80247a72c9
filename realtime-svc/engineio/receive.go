package engineio

import (
	"errors"
	"slices"
	"time"
)

// hear takes a packet of the client's. The caller holds receive. An error is of a packet that it may not send.
func (s *Session) hear(p packet) error {
	switch {
	case p.kind == kindMessage:
		if s.reason() == nil {
			s.handler.Message(p.Message)
		}
	case p.kind == kindClose:
		s.end(ErrClient, control(kindNoop, ""))
	case p.kind == kindPong && s.revision == 4:
		s.alive()
	case p.is(kindPing, "") && s.revision == 3:
		s.pong("")
	case p.is(kindPing, probe) && s.revision == 3:
		s.pong(probe)
	default:
		return errPacket
	}
	return nil
}

// pong answers a ping of revision 3. One that waits already answers this one, too: whoever pings without reading would have us keep them all.
func (s *Session) pong(data string) {
	s.alive()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.waiting, func(p packet) bool { return p.is(kindPong, data) }) {
		s.push(control(kindPong, data))
	}
}

// reason is why the session has ended, nil while it lasts.
func (s *Session) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// end ends the session. A client that polls is told by the farewell.
func (s *Session) end(reason error, farewell packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(reason, farewell)
}

func (s *Session) endLocked(reason error, farewell packet) {
	if s.ended != nil {
		return
	}
	s.ended = reason
	s.timer.Stop()
	s.roomy.Broadcast()
	s.server.running.Go(s.tellClosed)
	if s.overWS {
		s.server.remove(s)
		s.hangUp()
		return
	}
	if s.held == nil && !errors.Is(reason, ErrServer) && !errors.Is(reason, ErrClient) {
		s.server.remove(s) // nobody waits for a farewell, and nobody is owed one
		return
	}
	s.farewell = &farewell
	s.answerPoll()
	s.timer = time.AfterFunc(lastPoll, func() { s.server.remove(s) })
}

// tellClosed waits for a message that the handler has at the moment.
func (s *Session) tellClosed() {
	s.receive.Lock()
	defer s.receive.Unlock()
	s.handler.Closed(s.reason())
}
