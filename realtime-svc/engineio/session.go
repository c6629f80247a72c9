package engineio

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// What a Handler's Closed is told.
var (
	ErrClient   = errors.New("the client closed")
	ErrServer   = errors.New("the server closed")
	ErrSilent   = errors.New("the client does not answer pings")
	ErrProtocol = errors.New("the client broke the protocol")
	ErrLost     = errors.New("the connection broke")
)

// lastPoll is how long an ended session waits for a request to tell that.
const lastPoll = 10 * time.Second

// Session is a client, over whichever transport it has at the moment.
type Session struct {
	id       string
	revision int // of the protocol
	server   *Server
	codec    codec
	handler  Handler
	receive  sync.Mutex // held while the handler hears something; guards handler
	timer    *time.Timer

	mu         sync.Mutex
	roomy      *sync.Cond      // signalled when less waits, or the session has ended
	waiting    []packet        // for the client
	bytes      int             // of them
	held       chan struct{}   // closed to have the GET that is held answer; nil: none is held
	posting    bool            // a POST is under way
	probing    bool            // a WebSocket is tried: polls are answered soon
	overWS     bool            // for good
	ws         *websocket.Conn // carries the session; nil: it is polled, or not there yet
	writing    bool            // a goroutine writes to ws
	unanswered bool            // a ping is
	ended      error           // why; nil while it lasts
	farewell   *packet         // what the last GET is told of an end
}

func newSession(server *Server, r *http.Request, overWebSocket bool) *Session {
	s := &Session{id: server.config.NewID(), revision: 4, server: server, codec: payload4{}, overWS: overWebSocket}
	if query := r.URL.Query(); query.Get("EIO") == "3" {
		s.revision, s.codec = 3, payload3{base64: query.Get("b64") != ""}
	}
	s.roomy = sync.NewCond(&s.mu)
	s.receive.Lock() // until there is a handler
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(s.silence(), s.beat)
	s.push(packet{kindOpen, Message{Data: s.hello()}})
	return s
}

// hello is the handshake's answer.
func (s *Session) hello() []byte {
	c, upgrades := &s.server.config, []string{"websocket"}
	if s.overWS {
		upgrades = []string{}
	}
	hello := struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload,omitempty"`
	}{s.id, upgrades, c.PingInterval.Milliseconds(), c.PingTimeout.Milliseconds(), c.MaxPayload}
	if s.revision == 3 {
		hello.MaxPayload = 0
	}
	data, _ := json.Marshal(hello) // always encodes
	return data
}

// begin lets what comes through to the handler.
func (s *Session) begin(h Handler) {
	s.handler = h
	s.receive.Unlock()
}

// ID is the session's sid.
func (s *Session) ID() string { return s.id }

// Revision is that of the protocol: 3 or 4.
func (s *Session) Revision() int { return s.revision }

// Send gives the client a message, and waits while too much waits for it. It returns why the session has ended, where it has.
func (s *Session) Send(m Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.bytes > s.server.config.MaxBuffer && s.ended == nil {
		s.roomy.Wait()
	}
	if s.ended == nil {
		s.push(messagePacket(m))
	}
	return s.ended
}

// Close ends the session once the client has what was sent, as far as it comes for it.
func (s *Session) Close() { s.end(ErrServer, control(kindClose, "")) }

// push has the client get the packet. The caller holds the lock, which is given up while a WebSocket is written to.
func (s *Session) push(p packet) {
	s.waiting = append(s.waiting, p)
	s.bytes += p.size()
	s.answerPoll()
	s.flush()
}

// takeWaiting is what waits, for the caller to write. She holds the lock.
func (s *Session) takeWaiting() []packet {
	packets := s.waiting
	s.waiting, s.bytes = nil, 0
	s.roomy.Broadcast()
	return packets
}
