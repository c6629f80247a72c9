// Package socketiotest is the server that the protocols' public test suites want: https://github.com/socketio/engine.io-protocol and
// https://github.com/socketio/socket.io-protocol, in test-suite/ each.
package socketiotest

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/realtime-svc/engineio"
	"github.com/confab-chat/confab/realtime-svc/socketio"
)

// Server serves /engine.io/, which sends each message back, and /socket.io/, which has two namespaces.
type Server struct {
	http.Handler
	engines []*engineio.Server
}

// New returns a server whose bounds are those of the suites.
func New() *Server {
	engine := newEngine(func(s *engineio.Session, _ *http.Request) (engineio.Handler, error) { return echo{s}, nil })
	sockets := newEngine(func(s *engineio.Session, _ *http.Request) (engineio.Handler, error) {
		c := socketio.Config{ConnectTimeout: time.Second, Namespaces: 3, Limits: socketio.Limits{Attachments: 10, AttachmentBytes: 1_000_000}}
		return socketio.Serve(s, c, connect), nil
	})
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", engine)
	mux.Handle("/socket.io/", sockets)
	return &Server{anyOrigin(mux), []*engineio.Server{engine, sockets}}
}

// Close ends all sessions. No request may come any more.
func (s *Server) Close() {
	for _, e := range s.engines {
		e.Close()
	}
}

func newEngine(open func(*engineio.Session, *http.Request) (engineio.Handler, error)) *engineio.Server {
	return engineio.New(engineio.Config{
		PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 1_000_000, Open: open,
		Upgrader: &websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }},
	})
}

func anyOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

type echo struct{ session *engineio.Session }

func (e echo) Message(m engineio.Message) { _ = e.session.Send(m) }
func (echo) Closed(error)                 {}

// connect lets everybody into / and /custom, and shows the auth that came.
func connect(s *socketio.Socket, auth json.RawMessage) socketio.Handler {
	if s.Namespace() != "/" && s.Namespace() != "/custom" {
		s.Refuse(&socketio.Refusal{Message: "Invalid namespace"})
		return nil
	}
	s.Accept()
	if auth == nil {
		auth = json.RawMessage("{}")
	}
	_ = s.Send(&socketio.Packet{Type: socketio.Event, Name: "auth", Args: []json.RawMessage{auth}})
	return answers{s}
}

type answers struct{ socket *socketio.Socket }

func (a answers) Event(p *socketio.Packet) {
	switch {
	case p.Type != socketio.Event:
	case p.Name == "message" && a.socket.Namespace() == "/":
		_ = a.socket.Send(&socketio.Packet{Type: socketio.Event, Name: "message-back", Args: p.Args, Attachments: p.Attachments})
	case p.Name == "message-with-ack" && p.ID != nil:
		_ = a.socket.Send(&socketio.Packet{Type: socketio.Ack, ID: p.ID, Args: p.Args, Attachments: p.Attachments})
	}
}

func (answers) Disconnected() {}
