// Package engineio serves the Engine.IO protocol, revisions 4 and 3: sessions of messages, text and binary, over HTTP long-polling, a WebSocket, or
// first the one and then the other. Facts: https://github.com/socketio/engine.io-protocol.
package engineio

import (
	"cmp"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Config is what a server is told. Where a field is zero the protocol's usual value counts.
type Config struct {
	PingInterval   time.Duration
	PingTimeout    time.Duration
	PollHold       time.Duration // of a poll without anything to say; zero: until there is
	UpgradeTimeout time.Duration // for a WebSocket to take over a polling session
	WriteTimeout   time.Duration // for what waits to be written to a WebSocket, at once
	MaxPayload     int           // bytes of a request's body, and of a WebSocket's message
	MaxBuffer      int           // bytes that wait for the client before Send does
	SystemBuffer   int           // bytes that the system may hold for a WebSocket, besides; zero: as many as it likes
	Upgrades       int           // WebSockets that are tried at once; zero: as many as come
	NewID          func() string // of a session; unguessable
	Upgrader       *websocket.Upgrader
	// Open takes a session, or refuses it by an error whose text the client is told. What it sends comes first.
	Open func(s *Session, r *http.Request) (Handler, error)
}

// Handler hears what comes from one session.
type Handler interface {
	// Message is called with one message at a time, in their order. The client has to wait for what it does.
	Message(m Message)
	// Closed is called once, after the last Message has returned.
	Closed(reason error)
}

// Server is an http.Handler of a path such as /engine.io/.
type Server struct {
	config Config

	mu       sync.Mutex
	sessions map[string]*Session
	trials   int            // WebSockets that are tried
	closed   bool           // it takes no session, and no WebSocket
	running  sync.WaitGroup // goroutines that read from WebSockets, or tell handlers of an end
}

// New returns a server that has no goroutine before it has a WebSocket.
func New(c Config) *Server {
	c.PingInterval = cmp.Or(c.PingInterval, 25*time.Second)
	c.PingTimeout = cmp.Or(c.PingTimeout, 20*time.Second)
	c.UpgradeTimeout = cmp.Or(c.UpgradeTimeout, 10*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.MaxPayload = cmp.Or(c.MaxPayload, 1_000_000)
	c.MaxBuffer = cmp.Or(c.MaxBuffer, 64<<10)
	if c.NewID == nil {
		c.NewID = rand.Text
	}
	c.Upgrader = cmp.Or(c.Upgrader, &websocket.Upgrader{})
	return &Server{config: c, sessions: map[string]*Session{}}
}

// Close ends all sessions, waits for their WebSockets, and lets nobody in from then on.
func (s *Server) Close() { s.Finish(0) }

// Finish is Close, and lets clients that poll fetch what was sent before, for up to so long.
func (s *Server) Finish(farewell time.Duration) {
	s.mu.Lock()
	s.closed = true
	sessions := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		sessions = append(sessions, session)
	}
	s.mu.Unlock()
	for _, session := range sessions {
		session.Close()
	}
	s.running.Wait()
	for end := time.Now().Add(farewell); s.count() > 0 && time.Now().Before(end); {
		time.Sleep(farewellPoll)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}

const farewellPoll = 10 * time.Millisecond

// ServeHTTP answers a request of the protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	overWebSocket := query.Get("transport") == "websocket"
	if overWebSocket {
		w.Header().Set("Connection", "close") // where it is refused: the client has no other use for the connection, which costs as much as a socket
	}
	switch {
	case !overWebSocket && query.Get("transport") != "polling":
		refuse(w, transportUnknown)
	case query.Has("j"), overWebSocket != websocket.IsWebSocketUpgrade(r):
		refuse(w, badRequest) // j asks for a script, which no other site may get from us
	case !query.Has("sid"):
		s.handshake(w, r, overWebSocket)
	default:
		session := s.session(query.Get("sid"))
		switch {
		case session == nil:
			refuse(w, sessionUnknown)
		case overWebSocket:
			s.takeOver(w, r, session)
		default:
			session.poll(w, r)
		}
	}
}

func (s *Server) handshake(w http.ResponseWriter, r *http.Request, overWebSocket bool) {
	revision := r.URL.Query().Get("EIO")
	switch {
	case revision != "3" && revision != "4":
		refuse(w, versionUnsupported)
		return
	case r.Method != http.MethodGet:
		refuse(w, badMethod)
		return
	}
	session, err := s.open(r, overWebSocket)
	switch {
	case errors.Is(err, ErrServer):
		refuse(w, stopping)
	case err != nil:
		refuse(w, refusal{http.StatusForbidden, forbidden, err.Error()})
	case overWebSocket:
		s.takeOver(w, r, session)
	default:
		session.hold(w, r) // the handshake's answer waits
	}
}

func (s *Server) open(r *http.Request, overWebSocket bool) (*Session, error) {
	session := newSession(s, r, overWebSocket)
	var handler Handler
	err := s.add(session)
	if err == nil {
		handler, err = s.config.Open(session, r)
	}
	if err != nil {
		handler = nobody{}
	}
	session.begin(handler)
	if err != nil {
		session.Close()
		s.remove(session)
	}
	return session, err
}

// add returns ErrServer where the server is closed.
func (s *Server) add(session *Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrServer
	}
	s.sessions[session.id] = session
	return nil
}

// nobody hears what comes from a session that was refused.
type nobody struct{}

func (nobody) Message(Message) {}
func (nobody) Closed(error)    {}

// takeOver has a WebSocket carry the session from now on, or once the client has tried it.
func (s *Server) takeOver(w http.ResponseWriter, r *http.Request, session *Session) {
	trial := session.isPolled()
	if trial && !s.beginTrial() {
		refuse(w, tooManyUpgrades)
		return
	}
	ws, err := s.config.Upgrader.Upgrade(w, r, nil)
	if err != nil { // the upgrader has answered
		session.unmounted()
		s.endTrial(trial)
		return
	}
	ws.SetReadLimit(int64(s.config.MaxPayload))
	s.run(func() {
		defer ws.Close()
		mounted := session.mount(ws, true) || session.tryOut(ws)
		s.endTrial(trial)
		if mounted {
			session.carry(ws)
		}
	})
}

// run has f run unless the server is closed: the session has ended then, and f has nothing to wait for.
func (s *Server) run(f func()) {
	s.mu.Lock()
	if !s.closed {
		s.running.Go(f)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	f()
}

// beginTrial returns false where as many WebSockets are tried as may be.
func (s *Server) beginTrial() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trials == s.config.Upgrades && s.trials > 0 {
		return false
	}
	s.trials++
	return true
}

func (s *Server) endTrial(begun bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if begun {
		s.trials--
	}
}

func (s *Server) session(id string) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[id]
}

func (s *Server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

func (s *Server) remove(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session.id)
}
