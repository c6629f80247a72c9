package engineio_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/realtime-svc/engineio"
	"github.com/confab-chat/confab/realtime-svc/internal/pipes"
)

// endpoint is a running server that sends each message back.
type endpoint struct {
	t      *testing.T
	http   *http.Client
	dialer websocket.Dialer

	mu     sync.Mutex
	closed []error // what handlers were told
	engine *engineio.Server
	last   *engineio.Session
}

type echo struct {
	endpoint *endpoint
	session  *engineio.Session
}

func (e echo) Message(m engineio.Message) { _ = e.session.Send(m) }

func (e echo) Closed(reason error) {
	e.endpoint.mu.Lock()
	defer e.endpoint.mu.Unlock()
	e.endpoint.closed = append(e.endpoint.closed, reason)
}

// inBubble runs the test against a server whose goroutines must all end.
func inBubble(t *testing.T, config engineio.Config, test func(t *testing.T, e *endpoint)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := pipes.Listen()
		transport := &http.Transport{DialContext: p.Dial}
		e := &endpoint{t: t, http: &http.Client{Transport: transport}, dialer: websocket.Dialer{NetDialContext: p.Dial}}
		if config.Open == nil {
			config.Open = func(s *engineio.Session, _ *http.Request) (engineio.Handler, error) {
				e.last = s
				return echo{e, s}, nil
			}
		}
		engine := engineio.New(config)
		e.engine = engine
		server := &http.Server{Handler: engine}
		var group sync.WaitGroup
		group.Go(func() { _ = server.Serve(p) })
		test(t, e)
		transport.CloseIdleConnections()
		engine.Close()
		_ = server.Close()
		time.Sleep(time.Second) // in which it lets a client read why it was refused
		group.Wait()
	})
}

const base = "http://engine.test/engine.io/?"

func (e *endpoint) do(ctx context.Context, method, query, body string, header http.Header) (status int, answer string) {
	e.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, base+query, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	response, err := e.http.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Error(err)
	}
	return response.StatusCode, string(text)
}

func (e *endpoint) get(query string) (status int, answer string) {
	e.t.Helper()
	return e.do(e.t.Context(), http.MethodGet, query, "", nil)
}

func (e *endpoint) post(query, body string) (status int, answer string) {
	e.t.Helper()
	return e.do(e.t.Context(), http.MethodPost, query, body, http.Header{"Content-Type": {"text/plain;charset=UTF-8"}})
}

// poll opens a polling session and returns the query of its requests.
func (e *endpoint) poll(eio string) string {
	e.t.Helper()
	_, answer := e.get("EIO=" + eio + "&transport=polling&b64=1")
	var hello struct{ SID string }
	_, text, _ := strings.Cut(answer, "0{")
	if err := json.Unmarshal([]byte("{"+text), &hello); err != nil || hello.SID == "" {
		e.t.Fatalf("the handshake's answer is %q", answer)
	}
	return "EIO=" + eio + "&transport=polling&sid=" + hello.SID
}

func (e *endpoint) want(status int, answer string) func(int, string) {
	return func(gotStatus int, got string) {
		e.t.Helper()
		if gotStatus != status || got != answer {
			e.t.Errorf("got %d %q, want %d %q", gotStatus, got, status, answer)
		}
	}
}

func (e *endpoint) dial(query string) *websocket.Conn {
	e.t.Helper()
	ws, _, err := e.dialer.DialContext(e.t.Context(), strings.Replace(base, "http", "ws", 1)+query, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	return ws
}

// open opens a session on a WebSocket.
func (e *endpoint) open(eio string) *websocket.Conn {
	e.t.Helper()
	ws := e.dial("EIO=" + eio + "&transport=websocket")
	if hello := e.hear(ws); !strings.HasPrefix(hello, "0{") {
		e.t.Fatalf("the first frame is %q", hello)
	}
	return ws
}

// hear returns the next frame, or "closed".
func (e *endpoint) hear(ws *websocket.Conn) string {
	_, data, err := ws.ReadMessage()
	if err != nil {
		return "closed"
	}
	return string(data)
}

func (e *endpoint) say(ws *websocket.Conn, text string) {
	e.t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		e.t.Error(err)
	}
}

// wantClosed wants one session to have ended by now, for that reason.
func (e *endpoint) wantClosed(reason error) {
	e.t.Helper()
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.closed) != 1 || !errors.Is(e.closed[0], reason) {
		e.t.Errorf("handlers were told %v, want [%v]", e.closed, reason)
	}
}
