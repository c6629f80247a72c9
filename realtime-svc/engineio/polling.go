package engineio

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// probeEvery is how often a poll is answered while the client tries a WebSocket: it takes that over once no poll is under way.
const probeEvery = 100 * time.Millisecond

func (s *Session) poll(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		s.hold(w, r)
	case http.MethodPost:
		s.accept(w, r)
	default:
		refuse(w, badRequest)
	}
}

// hold answers once there is something to say, or a poll is held no longer. Where the client leaves before, all waits for the next one.
func (s *Session) hold(w http.ResponseWriter, r *http.Request) {
	ready, soon := s.beginHold()
	if ready == nil {
		refuse(w, badRequest)
		return
	}
	select {
	case <-ready:
	case <-soon:
	case <-r.Context().Done():
	}
	packets, polled := s.endHold(r.Context())
	switch {
	case !polled:
		refuse(w, badRequest)
	case packets != nil:
		s.answer(w, packets)
	}
}

// beginHold returns nil where no GET may come. Two at once are against the protocol.
func (s *Session) beginHold() (ready <-chan struct{}, soon <-chan time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.overWS, s.ended != nil && s.farewell == nil:
		return nil, nil
	case s.held != nil:
		s.endLocked(ErrProtocol, control(kindClose, ""))
		return nil, nil
	}
	s.held = make(chan struct{}, 1)
	if len(s.waiting) > 0 || s.ended != nil {
		s.answerPoll()
	}
	switch hold := s.server.config.PollHold; {
	case s.probing:
		soon = time.After(probeEvery)
	case hold > 0:
		soon = time.After(hold)
	}
	return s.held, soon
}

// answerPoll has the GET that is held answer, if any. The caller holds the lock.
func (s *Session) answerPoll() {
	select {
	case s.held <- struct{}{}: // never where it is nil
	default:
	}
}

// endHold returns what to answer, nil where nobody is there, and false where the session has moved to a WebSocket meanwhile.
func (s *Session) endHold(ctx context.Context) (packets []packet, polled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = nil
	switch {
	case s.overWS:
		return nil, false
	case ctx.Err() != nil:
		return nil, true
	}
	packets = s.takeWaiting()
	if s.farewell != nil {
		packets, s.farewell = append(packets, *s.farewell), nil
		s.server.remove(s)
	}
	if len(packets) == 0 {
		packets = []packet{control(kindNoop, "")}
	}
	return packets, true
}

func (s *Session) answer(w http.ResponseWriter, packets []packet) {
	body, contentType := s.codec.encode(packets)
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) //nolint:gosec // it is no page, whatever it says; a client that does not get it falls silent
}

// accept takes the packets of a POST.
func (s *Session) accept(w http.ResponseWriter, r *http.Request) {
	if !s.beginPost() {
		refuse(w, badRequest)
		return
	}
	defer s.endPost()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(s.server.config.MaxPayload)))
	if _, tooMuch := errors.AsType[*http.MaxBytesError](err); tooMuch {
		refuse(w, tooLarge)
		return
	}
	if err == nil {
		err = s.hearAll(body, r.Header.Get("Content-Type"))
	}
	if err != nil {
		s.end(ErrProtocol, control(kindClose, ""))
		refuse(w, badRequest)
		return
	}
	w.Header().Set("Content-Type", "text/html") // which is what clients know
	_, _ = io.WriteString(w, "ok")
}

// beginPost returns false where no POST may come. Two at once are against the protocol.
func (s *Session) beginPost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.overWS || s.ended != nil:
		return false
	case s.posting:
		s.endLocked(ErrProtocol, control(kindClose, ""))
		return false
	}
	s.posting = true
	return true
}

func (s *Session) endPost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting = false
}

func (s *Session) hearAll(body []byte, contentType string) error {
	s.receive.Lock()
	defer s.receive.Unlock()
	packets, err := s.codec.decode(body, contentType)
	if err != nil {
		return err
	}
	for _, p := range packets {
		if err := s.hear(p); err != nil {
			return err
		}
	}
	return nil
}
