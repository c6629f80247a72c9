package realtime

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/redistest"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wait bounds what must come.
const wait = 10 * time.Second

// gateway is a running realtime-svc in a world.
type gateway struct {
	*world
	app    *App
	issuer *tokentest.Issuer
	http   string // public
	inside string // internal
}

func startGateway(t *testing.T, w *world) *gateway {
	t.Helper()
	return startWith(t, w, Config{})
}

func startWith(t *testing.T, w *world, cfg Config) *gateway {
	t.Helper()
	issuer := tokentest.New("ada", "bob", "eve")
	env := servertest.Env(t, &peer.Peers{Auth: issuer, Conversations: w, Messages: w})
	env.Broker = w.broker
	app, err := New(t.Context(), cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	running := servertest.Start(t, app)
	return &gateway{world: w, app: app, issuer: issuer, http: running.Public, inside: running.Internal}
}

// overBrokers runs a test over memory and over Redis.
func overBrokers(t *testing.T, test func(t *testing.T, g *gateway)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) { test(t, startGateway(t, newWorld(t, broker.NewMemory()))) })
	t.Run("redis", func(t *testing.T) {
		client, err := broker.Dial(redistest.Start(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		test(t, startGateway(t, newWorld(t, broker.NewRedis(client, slog.New(slog.DiscardHandler), prometheus.NewRegistry()))))
	})
}

func inMemory(t *testing.T) *gateway {
	t.Helper()
	return startGateway(t, newWorld(t, broker.NewMemory()))
}

func (g *gateway) ws() string { return "ws" + strings.TrimPrefix(g.http, "http") + "/v1/ws" }

// client is a raw WebSocket.
type client struct {
	t  *testing.T
	ws *websocket.Conn
}

// dial opens a socket with these request headers, and an answer of 101.
func (g *gateway) dial(t *testing.T, query string, header http.Header) *client {
	t.Helper()
	ws, response, err := websocket.DefaultDialer.DialContext(t.Context(), g.ws()+query, header)
	if err != nil {
		t.Fatalf("dial: %v, %+v", err, response)
	}
	t.Cleanup(func() { _ = ws.Close() })
	return &client{t: t, ws: ws}
}

// refused returns the status and code of a handshake that fails.
func (g *gateway) refused(t *testing.T, query string, header http.Header) (int, string) {
	t.Helper()
	_, response, err := websocket.DefaultDialer.DialContext(t.Context(), g.ws()+query, header)
	if !errors.Is(err, websocket.ErrBadHandshake) {
		t.Fatalf("dial: %v, want a refusal", err)
	}
	defer response.Body.Close()
	var p servertest.Problem
	if err := json.NewDecoder(response.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, p.Code
}

// as opens a socket of the user.
func (g *gateway) as(t *testing.T, userID string) *client {
	t.Helper()
	return g.dial(t, "?token="+url.QueryEscape(g.issuer.Token(t, userID, time.Hour)), nil)
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// said is any frame of the gateway.
type said struct {
	Type           string        `json:"type"`
	ID             *int64        `json:"id"`
	Code           string        `json:"code"`
	Field          string        `json:"field"`
	RetryAfterMS   int64         `json:"retry_after_ms"`
	ConversationID string        `json:"conversation_id"`
	UserID         string        `json:"user_id"`
	Rev            int64         `json:"rev"`
	Seq            int64         `json:"seq"`
	Live           *bool         `json:"live"`
	AfterMS        *int64        `json:"after_ms"`
	Version        int64         `json:"members_version"`
	ReadSeq        *int64        `json:"read_seq"`
	Message        *chat.Message `json:"message"`
	Joined         *position     `json:"joined"`
	Session        *grant        `json:"session"`
}

func (c *client) next() said {
	c.t.Helper()
	_ = c.ws.SetReadDeadline(time.Now().Add(wait))
	kind, data, err := c.ws.ReadMessage()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	var s said
	if err := json.Unmarshal(data, &s); err != nil || kind != websocket.TextMessage {
		c.t.Fatalf("frame %q of kind %d: %v", data, kind, err)
	}
	return s
}

// want returns the next frame, which is of the type.
func (c *client) want(kind string) said {
	c.t.Helper()
	s := c.next()
	if s.Type != kind {
		c.t.Fatalf("received %+v, want %s", s, kind)
	}
	return s
}

// wantCode returns the next frame, which is an error of the code.
func (c *client) wantCode(code string) said {
	c.t.Helper()
	s := c.want("error")
	if s.Code != code {
		c.t.Fatalf("error %q of field %q, want %q", s.Code, s.Field, code)
	}
	return s
}

// wantNothing sends a ping and wants its reply to be the next frame.
func (c *client) wantNothing() {
	c.t.Helper()
	c.send(`{"id":4711,"type":"ping"}`)
	if s := c.want("reply"); s.ID == nil || *s.ID != 4711 {
		c.t.Fatalf("received %+v, want the reply to the ping", s)
	}
}

// wantRevs wants the next frames to be events of these revs, from first to last.
func (c *client) wantRevs(first, last int64) {
	c.t.Helper()
	for rev := first; rev <= last; rev++ {
		if s := c.next(); s.Rev != rev || s.Message == nil {
			c.t.Fatalf("received %+v, want the event with rev %d", s, rev)
		}
	}
}

// join joins without a rev and returns the position.
func (c *client) join(conversationID string) int64 {
	c.t.Helper()
	c.send(`{"id":1,"type":"join","conversation":"` + conversationID + `"}`)
	s := c.want("reply")
	if s.Joined == nil || s.Joined.ConversationID != conversationID {
		c.t.Fatalf("received %+v, want joined", s)
	}
	return s.Joined.Rev
}

// wantClose wants the socket to be closed with the code, after frames that do not matter.
func (c *client) wantClose(code int) {
	c.t.Helper()
	_ = c.ws.SetReadDeadline(time.Now().Add(wait))
	for {
		_, _, err := c.ws.ReadMessage()
		if err == nil {
			continue
		}
		var closed *websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != code {
			c.t.Fatalf("the socket ends with %v, want close code %d", err, code)
		}
		return
	}
}

// eventually waits until ok holds. It is for what has no event to wait for.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(wait); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}
