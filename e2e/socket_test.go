package e2e_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/chat"
)

// socket is a WebSocket to /v1/ws.
type socket struct {
	t    testing.TB
	conn *websocket.Conn
	id   int
}

// frame is what a server says: a reply, an error or an event.
type frame struct {
	Type           string        `json:"type"`
	ID             int           `json:"id"`
	Code           string        `json:"code"`
	ConversationID string        `json:"conversation_id"`
	Rev            int64         `json:"rev"`
	UserID         string        `json:"user_id"`
	Seq            int64         `json:"seq"`
	Message        *chat.Message `json:"message"`
	Joined         *struct {
		Rev int64 `json:"rev"`
	} `json:"joined"`
}

// dial opens a socket with the visitor's token, if she has one. Headers are in pairs.
func (v visitor) dial(t testing.TB, headers ...string) *socket {
	t.Helper()
	h := http.Header{}
	v.fill(h, false, headers)
	conn, response, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(v.url, "http")+"/v1/ws", h)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &socket{t: t, conn: conn}
}

// command sends a command and returns what answers it, and the events that came before.
func (s *socket) command(fields map[string]any) (answer frame, before []frame) {
	s.t.Helper()
	s.id++
	fields["id"] = s.id
	_ = s.conn.WriteJSON(fields) // a socket that is closed says why to the reader
	for {
		f := s.next()
		if f.ID == s.id || f.Type == "closed" {
			return f, before
		}
		before = append(before, f)
	}
}

// next returns the next frame. Of a socket that was closed the type is "closed" and the seq the code.
func (s *socket) next() frame {
	s.t.Helper()
	var f frame
	_ = s.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	err := s.conn.ReadJSON(&f)
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		return frame{Type: "closed", Seq: int64(closed.Code), Code: closed.Text}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// until returns the next event of a type, and passes over others.
func (s *socket) until(kind string) frame {
	s.t.Helper()
	for {
		if f := s.next(); f.Type == kind || f.Type == "closed" {
			return f
		}
	}
}

func (s *socket) join(conversationID string) frame {
	s.t.Helper()
	f, _ := s.command(map[string]any{"type": "join", "conversation": conversationID})
	return f
}

func TestSocketLetsInWhomItShould(t *testing.T) {
	people := newCast(t, underTest.url)
	for who, want := range map[caller]frame{
		nobody:   {Type: "error", Code: "unauthenticated"},
		forger:   {Type: "closed", Seq: 4503},
		lapsed:   {Type: "closed", Seq: 4503},
		stranger: {Type: "error", Code: "conversation_not_found"},
		former:   {Type: "error", Code: "conversation_not_found"},
		plain:    {Type: "reply"},
		owner:    {Type: "reply"},
	} {
		t.Run(string(who), func(t *testing.T) {
			s := people.scene(t)
			got := s.visitor(who).dial(t).join(s.conversation)
			if got.Type != want.Type || got.Seq != want.Seq || want.Code != "" && got.Code != want.Code {
				t.Fatalf("got %+v, want %+v", got, want)
			}
			if got.Type == "reply" && got.Joined.Rev != 1 {
				t.Fatalf("joined at %+v, want the one message's rev", got.Joined)
			}
		})
	}
}

func TestSocketIsRefusedWithAProblem(t *testing.T) {
	ann := register(t, underTest.url)
	for name, test := range map[string]struct {
		headers []string
		status  int
		says    string
	}{
		"a request that is no upgrade": {nil, 400, "upgrade_required"},
		"an upgrade of no version":     {[]string{"Connection", "Upgrade", "Upgrade", "websocket"}, 400, "bad_handshake"},
		"a page of another origin":     {[]string{"Connection", "Upgrade", "Upgrade", "websocket", "Origin", "https://evil.example"}, 403, "origin_not_allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, test.status, test.says, ann.call(t, "GET", "/v1/ws", nil, test.headers...))
		})
	}
}

func TestFormsOfBadTokensAreRefused(t *testing.T) {
	ann := register(t, underTest.url)
	parts := strings.Split(ann.token, ".")
	none := "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" // {"alg":"none","typ":"JWT"}
	for name, header := range map[string]string{
		"no token":                  "Bearer ",
		"no scheme":                 ann.token,
		"another scheme":            "Basic " + ann.token,
		"a word":                    "Bearer x",
		"a changed signature":       "Bearer " + forge(ann.token),
		"a changed payload":         "Bearer " + parts[0] + "." + parts[1][:len(parts[1])-2] + "." + parts[2],
		"no signature, and says so": "Bearer " + none + "." + parts[1] + ".",
		"no signature":              "Bearer " + parts[0] + "." + parts[1] + ".",
		"a refresh token":           "Bearer " + ann.refresh,
		"a token that has expired":  "Bearer " + underTest.expired,
		"a very long one":           "Bearer " + strings.Repeat("x", 8000),
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, 401, "token_refused", ann.call(t, "GET", "/v1/users/me", nil, "Authorization", header))
			refuse(t, 401, "Unauthorized", ann.call(t, "GET", "/api/protected", nil, "Authorization", header))
		})
	}
	a := ann.with("").call(t, "GET", "/v1/users/me", nil, "Cookie", "token="+ann.token)
	refuse(t, 401, "token_refused", a) // no page can act for her by her browser alone
}
