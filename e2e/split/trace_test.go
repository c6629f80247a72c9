//go:build linux

package split_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

// span is what a trace is judged by.
type span struct {
	TraceID, SpanID, ParentSpanID, Name string
	service                             string
}

// collector is an OpenTelemetry collector that keeps what it gets.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []span
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var request struct {
			ResourceSpans []struct {
				Resource struct {
					Attributes []struct {
						Key   string
						Value struct{ StringValue string }
					}
				}
				ScopeSpans []struct{ Spans []span }
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("the collector is sent to %s: %v", r.URL.Path, err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		resource := request.ResourceSpans[0]
		var service string
		for _, a := range resource.Resource.Attributes {
			if a.Key == "service.name" {
				service = a.Value.StringValue
			}
		}
		for _, s := range resource.ScopeSpans[0].Spans {
			s.service = service
			c.spans = append(c.spans, s)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// way returns the spans from the first that satisfies the condition down to those that nothing follows from, each as "service: name" behind its parents.
func (c *collector) way(begins func(span) bool) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ways []string
	var follow func(s span, before string)
	follow = func(s span, before string) {
		before += s.service + ": " + s.Name
		last := true
		for _, next := range c.spans {
			if next.TraceID == s.TraceID && next.ParentSpanID == s.SpanID {
				follow(next, before+" > ")
				last = false
			}
		}
		if last {
			ways = append(ways, before)
		}
	}
	if i := slices.IndexFunc(c.spans, begins); i >= 0 {
		follow(c.spans[i], "")
	}
	slices.Sort(ways)
	return ways
}

// socket is a client of one gateway.
type socket struct {
	*websocket.Conn
	t *testing.T
}

func dial(t *testing.T, d *split.Deployment, replica int, path, token string) socket {
	t.Helper()
	url := "ws" + strings.TrimPrefix(d.Process(peer.RealtimeService, replica).URL(), "http") + path
	conn, answer, err := websocket.DefaultDialer.DialContext(t.Context(), url, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	t.Cleanup(func() { conn.Close() })
	return socket{conn, t}
}

// ask sends a frame, and reads on to one that begins so.
func (s socket) ask(frame, begin string) {
	s.t.Helper()
	if err := s.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		s.t.Fatal(err)
	}
	s.await(begin)
}

func (s socket) await(begin string) {
	s.t.Helper()
	for {
		_, frame, err := s.ReadMessage()
		if err != nil {
			s.t.Fatalf("no %s: %v", begin, err)
		}
		if strings.Contains(string(frame), "trace") {
			s.t.Errorf("a client is told %s", frame)
		}
		if strings.HasPrefix(string(frame), begin) {
			return
		}
	}
}

func TestOneTraceLeadsFromTheSenderToEachSocketOfEachGateway(t *testing.T) {
	c := newCollector(t)
	flags := map[string][]string{peer.RealtimeService: {"-drain", "0"}, routes.Web: {"-drain", "0"}}
	for _, program := range []string{peer.AuthService, peer.ConversationService, peer.MessageService, peer.RealtimeService, routes.Web} {
		flags[program] = append(flags[program], "-trace-endpoint", c.URL, "-trace-ratio", "1")
	}
	d, err := split.Start(t.Context(), split.Options{Bin: bin, Dir: t.TempDir(), Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // the test wants the error of the first
	register := servertest.Call(t, "POST", d.URL+"/v1/auth/register", "", `{"email":"a@example.com","password":"correct horse","first_name":"Ann","last_name":"Lee"}`)
	token := servertest.Want[session](t, http.StatusCreated, register).Token
	group := servertest.Call(t, "POST", d.URL+"/v1/conversations", token, `{"type":"group","title":"T","member_ids":[]}`)
	id := servertest.Want[struct{ Conversation struct{ ID string } }](t, http.StatusCreated, group).Conversation.ID
	native, socketIO := dial(t, d, 0, "/v1/ws", token), dial(t, d, 1, "/socket.io/?EIO=4&transport=websocket", token)
	native.ask(`{"id":1,"type":"join","conversation":"`+id+`"}`, `{"type":"reply"`)
	socketIO.ask("40", "40")
	socketIO.ask(`421["join",{"conversation":"`+id+`"}]`, "431")

	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v1/messages", strings.NewReader(`{"conversation_id":"`+id+`","body":"Hi"}`))
	if err != nil {
		t.Fatal(err)
	}
	const trace, client = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}, "Traceparent": {"00-" + trace + "-" + client + "-00"}}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	native.await(`{"type":"message.created"`)
	socketIO.await(`42["message.created"`)
	native.ask(`{"type":"send","conversation":"`+id+`","body":"Hi again"}`, `{"type":"message.created"`)
	socketIO.await(`42["message.created"`)
	if err := d.Close(); err != nil { // which sends the last spans
		t.Fatal(err)
	}

	const stored = "message-svc: commit > message-svc: announce > realtime-svc: deliver > realtime-svc: write"
	const asked = "message-svc: POST /internal/conversations/memberships > conversation-svc: POST /internal/conversations/memberships"
	for name, test := range map[string]struct {
		begins func(span) bool
		want   []string
	}{
		"over HTTP": {
			func(s span) bool { return s.TraceID == trace && s.ParentSpanID == client },
			[]string{"web: POST message-svc > message-svc: POST /v1/messages > " + asked, "web: POST message-svc > message-svc: POST /v1/messages > " + stored},
		},
		"over a socket": {
			func(s span) bool { return s.Name == "socket send" && s.ParentSpanID == "" },
			[]string{"realtime-svc: socket send > realtime-svc: POST /internal/messages/send > message-svc: POST /internal/messages/send > " + stored},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.way(test.begins)
			var sockets int
			for _, way := range got {
				if strings.HasSuffix(way, stored) {
					sockets++
				}
			}
			for _, want := range test.want {
				if !slices.Contains(got, want) {
					t.Errorf("there is no %s", want)
				}
			}
			if sockets != 2 {
				t.Errorf("the way ends at %d sockets, want 2: %q", sockets, got)
			}
		})
	}
}
