package engineio

import (
	"errors"
	"net"
	"time"

	"github.com/gorilla/websocket"
)

// closeWait is how long a client has for its half of the closing handshake.
const closeWait = 2 * time.Second

// carry hears the client over the WebSocket until the session has ended.
func (s *Session) carry(ws *websocket.Conn) {
	if tcp, ok := ws.NetConn().(*net.TCPConn); ok && s.server.config.SystemBuffer > 0 {
		_ = tcp.SetWriteBuffer(s.server.config.SystemBuffer) // a connection that cannot has broken
	}
	for {
		kind, data, err := ws.ReadMessage()
		if err != nil {
			s.end(readError(err), packet{})
			return
		}
		p, err := s.parseFrame(kind, data)
		if err == nil {
			s.receive.Lock()
			err = s.hear(p)
			s.receive.Unlock()
		}
		if err != nil {
			s.end(ErrProtocol, packet{})
			return
		}
	}
}

func readError(err error) error {
	switch {
	case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
		return ErrClient
	case errors.Is(err, websocket.ErrReadLimit):
		return ErrProtocol
	default:
		return ErrLost
	}
}

// mount puts the session on the WebSocket. It returns false where it has another transport, and may not change it at once.
func (s *Session) mount(ws *websocket.Conn, first bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil || s.ws != nil || first != s.overWS {
		return false
	}
	s.ws, s.overWS = ws, true
	s.answerPoll()
	s.flush()
	return true
}

// isPolled reports whether a WebSocket could still take the session over.
func (s *Session) isPolled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.overWS && s.ended == nil
}

// unmounted ends a session that was to begin on a WebSocket which did not come about.
func (s *Session) unmounted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.overWS && s.ws == nil {
		s.endLocked(ErrLost, packet{})
	}
}

// tryOut lets the client try the WebSocket, which it may give up.
func (s *Session) tryOut(ws *websocket.Conn) bool {
	if !s.probe(true) {
		return false
	}
	defer s.probe(false)
	_ = ws.SetReadDeadline(time.Now().Add(s.server.config.UpgradeTimeout))
	if !s.next(ws).is(kindPing, probe) || s.write(ws, []packet{control(kindPong, probe)}) != nil {
		return false
	}
	defer time.AfterFunc(probeEvery, s.answerHeld).Stop()
	if !s.next(ws).is(kindUpgrade, "") {
		return false
	}
	_ = ws.SetReadDeadline(time.Time{})
	return s.mount(ws, false)
}

// answerHeld has the GET that was held before the probe answer, too.
func (s *Session) answerHeld() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answerPoll()
}

// probe notes that a WebSocket is tried. It returns false where another one is, or carries the session.
func (s *Session) probe(on bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on && (s.probing || s.overWS || s.ended != nil) {
		return false
	}
	s.probing = on
	return true
}

// next is the next packet that comes, a zero one where none does.
func (s *Session) next(ws *websocket.Conn) packet {
	kind, data, err := ws.ReadMessage()
	if err != nil {
		return packet{}
	}
	p, _ := s.parseFrame(kind, data)
	return p
}

func (s *Session) parseFrame(kind int, data []byte) (packet, error) {
	switch {
	case kind == websocket.TextMessage:
		return parsePacket(data)
	case s.revision == 4:
		return messagePacket(Message{Data: data, Binary: true}), nil
	case len(data) == 0 || data[0] != kindMessage-'0':
		return packet{}, errPacket
	default:
		return messagePacket(Message{Data: data[1:], Binary: true}), nil
	}
}

// flush writes what waits to the WebSocket, if there is one, and unless another goroutine does so. The caller holds the lock.
func (s *Session) flush() {
	if s.ws == nil || s.writing {
		return
	}
	s.writing = true
	for len(s.waiting) > 0 {
		packets := s.takeWaiting()
		s.mu.Unlock()
		err := s.write(s.ws, packets)
		s.mu.Lock()
		if err != nil {
			s.endLocked(ErrLost, packet{})
		}
	}
	s.writing = false
	if s.ended != nil {
		s.hangUp()
	}
}

func (s *Session) write(ws *websocket.Conn, packets []packet) error {
	_ = ws.SetWriteDeadline(time.Now().Add(s.server.config.WriteTimeout)) // never fails
	for _, p := range packets {
		if err := s.writeFrame(ws, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) writeFrame(ws *websocket.Conn, p packet) error {
	kind, head := websocket.TextMessage, []byte{p.kind}
	switch {
	case p.Binary && s.revision == 4:
		return ws.WriteMessage(websocket.BinaryMessage, p.Data)
	case p.Binary:
		kind, head = websocket.BinaryMessage, []byte{kindMessage - '0'}
	}
	w, err := ws.NextWriter(kind)
	if err != nil {
		return err
	}
	_, _ = w.Write(head) // into the buffer
	if _, err := w.Write(p.Data); err != nil {
		return err
	}
	return w.Close()
}

// hangUp closes the WebSocket of a session that has ended, once what was sent is written. The caller holds the lock.
func (s *Session) hangUp() {
	switch {
	case s.ws == nil:
	case !errors.Is(s.ended, ErrServer) && !errors.Is(s.ended, ErrProtocol):
		_ = s.ws.Close() // has a write that waits fail, too
	case s.writing:
	default:
		goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = s.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(closeWait))
		_ = s.ws.SetReadDeadline(time.Now().Add(closeWait)) // the reader hangs up then
	}
}
