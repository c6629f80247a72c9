package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// server is a scripted Confab in the test's memory: each test says what it answers. Run tests with it in a bubble of testing/synctest,
// where pauses take no time.
type server struct {
	t       *testing.T
	pipes   chan net.Conn
	closed  chan struct{}
	once    sync.Once
	http    *http.Server
	client  *http.Client
	sockets chan *socket

	mu      sync.Mutex
	routes  map[string]http.HandlerFunc // by "METHOD /path"
	refuse  []http.HandlerFunc          // answers to the next handshakes
	dials   []time.Time                 // when handshakes came
	dialErr error                       // what dialling returns meanwhile
}

func serve(t *testing.T) *server {
	s := &server{t: t, pipes: make(chan net.Conn), closed: make(chan struct{}), sockets: make(chan *socket, 100), routes: map[string]http.HandlerFunc{}}
	transport := &http.Transport{DialContext: s.dial}
	s.client = &http.Client{Transport: transport}
	s.http = &http.Server{Handler: s}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.http.Serve(listener{s})
	}()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = s.http.Close()
		<-done
	})
	return s
}

func (s *server) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	err := s.dialErr
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	select {
	case s.pipes <- theirs:
		return ours, nil
	case <-s.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// breakDials has connections fail until it is called with nil.
func (s *server) breakDials(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialErr = err
}

type listener struct{ s *server }

func (l listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.s.pipes:
		return conn, nil
	case <-l.s.closed:
		return nil, net.ErrClosed
	}
}

func (l listener) Close() error   { l.s.once.Do(func() { close(l.s.closed) }); return nil }
func (l listener) Addr() net.Addr { return &net.TCPAddr{} }

// on says what answers a route.
func (s *server) on(route string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.routes[route] = h
}

// refuseNext says what answers the next handshakes, one each.
func (s *server) refuseNext(h ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = append(s.refuse, h...)
}

func (s *server) handler(r *http.Request) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path != "/v1/ws" {
		return s.routes[r.Method+" "+r.URL.Path]
	}
	s.dials = append(s.dials, time.Now())
	if len(s.refuse) > 0 {
		next := s.refuse[0]
		s.refuse = s.refuse[1:]
		return next
	}
	return s.upgrade
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := s.handler(r); h != nil {
		h(w, r)
		return
	}
	answer(404, `{"code":"no_such_route"}`)(w, r)
}

func (s *server) upgrade(w http.ResponseWriter, r *http.Request) {
	var upgrader websocket.Upgrader
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.sockets <- &socket{t: s.t, ws: ws}
}

// answer returns a handler that says the same always.
func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// inTurn returns a handler that says one after the other, and the last again and again.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		next := handlers[0]
		if len(handlers) > 1 {
			handlers = handlers[1:]
		}
		mu.Unlock()
		next(w, r)
	}
}

// hangUp breaks the connection instead of an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// newClient returns a client of the server with a token that does not end.
func (s *server) newClient(tokens ...client.Tokens) *client.Client {
	s.t.Helper()
	o := client.Options{URL: "http://confab.test", HTTP: s.client, Tokens: client.Tokens{Access: "token-1"}}
	if len(tokens) > 0 {
		o.Tokens = tokens[0]
	}
	c, err := client.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// socket is the server's end of a WebSocket.
type socket struct {
	t  *testing.T
	ws *websocket.Conn
}

type said struct {
	ID           int64  `json:"id"`
	Type         string `json:"type"`
	Conversation string `json:"conversation"`
	Rev          *int64 `json:"rev"`
	Body         string `json:"body"`
	ClientMsgID  string `json:"client_msg_id"`
	Token        string `json:"token"`
}

// next returns the next command.
func (s *socket) next() said {
	s.t.Helper()
	var cmd said
	_ = s.ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	if err := s.ws.ReadJSON(&cmd); err != nil {
		s.t.Fatalf("no command came: %v", err)
	}
	return cmd
}

// want returns the next command, which has to be of the type.
func (s *socket) want(kind string) said {
	s.t.Helper()
	cmd := s.next()
	if cmd.Type != kind {
		s.t.Fatalf("%+v came, want %s", cmd, kind)
	}
	return cmd
}

// quiet fails the test where a command comes within d.
func (s *socket) quiet(d time.Duration) {
	s.t.Helper()
	var cmd said
	_ = s.ws.SetReadDeadline(time.Now().Add(d))
	if err := s.ws.ReadJSON(&cmd); err == nil {
		s.t.Fatalf("%+v came, want silence", cmd)
	}
}

// say writes a frame. A connection that the client has left takes nothing.
func (s *socket) say(format string, args ...any) {
	_ = s.ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...))
}

// enter takes the token and lets the user "me" in.
func (s *socket) enter() said {
	s.t.Helper()
	cmd := s.want("auth")
	s.say(`{"type":"reply","id":%d,"session":{"user_id":"me","expires_at":"2026-05-06T07:08:09.123Z"}}`, cmd.ID)
	return cmd
}

// joins answers a join at rev, after sending the events.
func (s *socket) joins(rev int64, events ...int64) said {
	s.t.Helper()
	cmd := s.want("join")
	s.events(cmd.Conversation, events...)
	s.joined(cmd, rev)
	return cmd
}

func (s *socket) joined(cmd said, rev int64) {
	s.say(`{"type":"reply","id":%d,"joined":{"conversation_id":%q,"rev":%d}}`, cmd.ID, cmd.Conversation, rev)
}

func (s *socket) events(conversation string, revs ...int64) {
	for _, rev := range revs {
		data, _ := json.Marshal(event(conversation, rev))
		s.say("%s", data)
	}
}

func (s *socket) fail(cmd said, code string, retryAfterMS int) {
	s.say(`{"type":"error","id":%d,"code":%q,"detail":"No.","retry_after_ms":%d}`, cmd.ID, code, retryAfterMS)
}

// close says goodbye with a code.
func (s *socket) close(code int, reason string) {
	_ = s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
	_ = s.ws.Close()
}

// ping has the server ping until the test ends.
func (s *socket) ping() {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(25 * time.Second):
				_ = s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
			}
		}
	}()
	s.t.Cleanup(func() { close(stop); <-stopped })
}

// accept waits for the next WebSocket, and returns after how long it came.
func (s *server) accept() (*socket, time.Duration) {
	s.t.Helper()
	start := time.Now()
	select {
	case opened := <-s.sockets:
		s.t.Cleanup(func() { _ = opened.ws.Close() })
		return opened, time.Since(start)
	case <-time.After(2 * time.Minute):
		s.t.Fatal("no socket came within two minutes")
		return nil, 0
	}
}

func event(conversation string, rev int64) chat.Event {
	return chat.Event{Type: chat.MessageCreated, ConversationID: conversation, Rev: rev, Message: &chat.Message{
		ID: fmt.Sprint("m", rev), ConversationID: conversation, Seq: rev, Rev: rev, Body: fmt.Sprint("body ", rev),
	}}
}

// feed returns a handler of the conversation's feed up to last, in pages of at most limit, without the hidden revs.
func feed(conversation string, last func() int64, limit int64, hidden ...int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var after int64
		if _, err := fmt.Sscan(r.URL.Query().Get("after_rev"), &after); err != nil || r.URL.Query().Get("conversation_id") != conversation {
			answer(400, `{"code":"invalid_field"}`)(w, r)
			return
		}
		end := last()
		page := client.Feed{Items: []chat.Event{}, Next: min(end, after+limit), HasMore: end > after+limit}
		for rev := after + 1; rev <= page.Next; rev++ {
			if !slices.Contains(hidden, rev) {
				page.Items = append(page.Items, event(conversation, rev))
			}
		}
		_ = json.NewEncoder(w).Encode(page)
	}
}
