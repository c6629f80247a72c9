package socketio_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf16"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/realtime-svc/engineio"
	"github.com/confab-chat/confab/realtime-svc/internal/pipes"
	"github.com/confab-chat/confab/realtime-svc/socketio"
	"github.com/confab-chat/confab/realtime-svc/socketio/socketiotest"
)

// server is what a test runs against.
type server interface {
	http.Handler
	Close()
}

// suites is the server that the public test suites want.
func suites() server { return socketiotest.New() }

// endpoint is a running server.
type endpoint struct {
	server
	t      *testing.T
	dialer websocket.Dialer
}

// inBubble runs the test against a server whose goroutines must all end.
func inBubble(t *testing.T, serve func() server, test func(t *testing.T, e *endpoint)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := pipes.Listen()
		e := &endpoint{server: serve(), t: t, dialer: websocket.Dialer{NetDialContext: p.Dial}}
		listening := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
		go func() { _ = listening.Serve(p) }()
		defer e.Close()
		defer listening.Close()
		test(t, e)
	})
}

// client is an Engine.IO client. What it says and hears are packets as revision 4 polls them: binary messages are a b and base64.
type client struct {
	*endpoint
	eio, query string
	ids        map[string]bool // that have come
	ws         *websocket.Conn // nil: it polls
	read       chan string     // from that; closed with it
	polled     []string        // and not heard yet
}

// transports are the ways by which a client may come.
var transports = []string{"over a WebSocket", "by polling", "by polling and then over a WebSocket"}

// overEach runs the test once for each transport.
func overEach(t *testing.T, name string, test func(t *testing.T, transport string)) {
	for _, transport := range transports {
		t.Run(name+" "+transport, func(t *testing.T) { test(t, transport) })
	}
}

func (e *endpoint) open(transport, eio string) *client {
	e.t.Helper()
	c := &client{endpoint: e, eio: eio, query: "EIO=" + eio + "&b64=1", ids: map[string]bool{}}
	if transport == transports[0] {
		c.dial()
	}
	hello, begins := strings.CutPrefix(c.hear(), "0")
	id := sid.FindString(hello)
	if !begins || id == "" {
		e.t.Fatalf("the session begins with %q", hello)
	}
	c.ids[id] = true
	c.query += "&sid=" + strings.Split(id, `"`)[3]
	if transport == transports[2] {
		c.dial()
		c.say("2probe")
		if got := <-c.read; got != "3probe" {
			e.t.Fatalf("the probe is answered by %q", got)
		}
		c.say("5")
	}
	return c
}

func (c *client) dial() {
	c.t.Helper()
	ws, _, err := c.dialer.DialContext(c.t.Context(), "ws://socket.test/socket.io/?transport=websocket&"+c.query, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.ws, c.read = ws, make(chan string, 1000)
	go func() {
		defer close(c.read)
		for {
			kind, data, err := ws.ReadMessage()
			if err != nil {
				return
			}
			p := string(data)
			if kind == websocket.BinaryMessage {
				p = "b" + base64.StdEncoding.EncodeToString(bytes.TrimPrefix(data, c.binaryType()))
			}
			c.read <- p
		}
	}()
}

// binaryType begins a binary frame.
func (c *client) binaryType() []byte { return map[string][]byte{"3": {4}}[c.eio] }

// say sends packets, those of a client that polls together.
func (c *client) say(packets ...string) {
	c.t.Helper()
	if c.ws == nil {
		c.do(http.MethodPost, c.encode(packets))
		return
	}
	for _, p := range packets {
		kind, data := websocket.TextMessage, []byte(p)
		if encoded, binary := strings.CutPrefix(p, "b"); binary {
			kind = websocket.BinaryMessage
			data, _ = base64.StdEncoding.AppendDecode(c.binaryType(), []byte(encoded))
		}
		if err := c.ws.WriteMessage(kind, data); err != nil {
			c.t.Errorf("%q: %v", p, err)
		}
	}
}

// hear returns the next packet, or "closed".
func (c *client) hear() string {
	for len(c.polled) == 0 {
		if c.ws != nil {
			if p, open := <-c.read; open {
				return p
			}
			return "closed"
		}
		status, answer := c.do(http.MethodGet, "")
		if status != http.StatusOK {
			return "closed"
		}
		c.polled = c.decode(answer)
	}
	p := c.polled[0]
	c.polled = c.polled[1:]
	if p == "1" {
		return "closed"
	}
	return p
}

func (c *client) do(method, body string) (status int, answer string) {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(c.t.Context(), method, "/socket.io/?transport=polling&"+c.query, strings.NewReader(body))
	c.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func (c *client) encode(packets []string) string {
	if c.eio == "4" {
		return strings.Join(packets, "\x1e")
	}
	var body []byte
	for _, p := range packets {
		if strings.HasPrefix(p, "b") {
			p = "b4" + p[1:]
		}
		body = fmt.Appendf(body, "%d:%s", len(utf16.Encode([]rune(p))), p)
	}
	return string(body)
}

// decode wants of a body of revision 3 that it is ASCII, else its lengths are not those of its characters.
func (c *client) decode(body string) (packets []string) {
	if c.eio == "4" {
		return strings.Split(body, "\x1e")
	}
	for body != "" {
		digits, rest, _ := strings.Cut(body, ":")
		n, err := strconv.Atoi(digits)
		if err != nil || n > len(rest) {
			return append(packets, "not "+body)
		}
		p := rest[:n]
		if strings.HasPrefix(p, "b4") {
			p = "b" + p[2:]
		}
		packets, body = append(packets, p), rest[n:]
	}
	return packets
}

var sid = regexp.MustCompile(`"sid":"\w{20,}"`)

// follow says the packets behind each > of a script, and wants to hear those behind each <, at once but for Engine.IO's pings. … is an id that has not
// come before, · a space.
func (c *client) follow(script string) {
	c.t.Helper()
	for turn := range strings.SplitSeq(" "+script, " > ") {
		say, hear, _ := strings.Cut(turn+" ", " < ")
		if said := packets(say); len(said) > 0 {
			c.say(said...)
		}
		for _, want := range packets(hear) {
			begin := time.Now()
			got := c.hear()
			if id := sid.FindString(got); id != "" && !c.ids[id] {
				c.ids[id], got = true, strings.Replace(got, id, `"sid":"…"`, 1)
			}
			if took := time.Since(begin); got != want || took > 0 && want != "2" {
				c.t.Fatalf("heard %q after %v, want %q", got, took, want)
			}
		}
	}
}

func packets(script string) []string {
	list := strings.Fields(script)
	for i, p := range list {
		list[i] = strings.ReplaceAll(p, "·", " ")
	}
	return list
}

// hall is a server that writes down what its handlers hear.
type hall struct {
	*engineio.Server
	mu      sync.Mutex
	heard   []string
	sockets map[string]*socketio.Socket // by namespace
}

// inHall runs the test against a hall, which it returns.
func inHall(t *testing.T, engine engineio.Config, config socketio.Config, test func(t *testing.T, e *endpoint, h *hall)) *hall {
	t.Helper()
	h := &hall{sockets: map[string]*socketio.Socket{}}
	engine.Open = func(s *engineio.Session, _ *http.Request) (engineio.Handler, error) {
		return socketio.Serve(s, config, h.connect), nil
	}
	inBubble(t, func() server {
		h.Server = engineio.New(engine)
		return h
	}, func(t *testing.T, e *endpoint) { test(t, e, h) })
	return h
}

func (h *hall) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heard = append(h.heard, fmt.Sprintf(format, args...))
}

func (h *hall) notes() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.heard)
}
