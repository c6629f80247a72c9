package e2e_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/chat"
)

// socket is a WebSocket to /v1/ws. What it sends and gets is checked against docs/api/asyncapi.yaml.
type socket struct {
	t     testing.TB
	conn  *websocket.Conn
	id    int
	asked map[int]string  // the types of commands by their ids
	seen  map[string]bool // the documented messages that went by
}

// frame is what a server says: a reply, an error or an event.
type frame struct {
	Type           string        `json:"type"`
	ID             int           `json:"id"`
	Code           string        `json:"code"`
	Field          string        `json:"field"`
	RetryAfterMS   int64         `json:"retry_after_ms"`
	ConversationID string        `json:"conversation_id"`
	Rev            int64         `json:"rev"`
	UserID         string        `json:"user_id"`
	Seq            int64         `json:"seq"`
	Version        int64         `json:"members_version"`
	Live           bool          `json:"live"`
	Message        *chat.Message `json:"message"`
	ReadSeq        *int64        `json:"read_seq"`
	Joined         *struct {
		Rev int64 `json:"rev"`
	} `json:"joined"`
	Session *struct {
		UserID string `json:"user_id"`
	} `json:"session"`
}

// dial opens a socket with the visitor's token, if she has one. Headers are in pairs.
func (v visitor) dial(t testing.TB, headers ...string) *socket {
	t.Helper()
	return v.dialBy(t, websocket.DefaultDialer, "", headers...)
}

func (v visitor) dialBy(t testing.TB, dialer *websocket.Dialer, query string, headers ...string) *socket {
	t.Helper()
	conn, response, err := v.knock(t, dialer, query, headers...)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &socket{t: t, conn: conn, asked: map[int]string{}, seen: map[string]bool{}}
}

// knock sends a handshake. Of one that is refused the response has the problem.
func (v visitor) knock(t testing.TB, dialer *websocket.Dialer, query string, headers ...string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	v.fill(h, false, headers)
	return dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(v.url, "http")+"/v1/ws"+query, h)
}

// command sends a command and returns what answers it, and the events that came before.
func (s *socket) command(fields map[string]any) (answer frame, before []frame) {
	s.t.Helper()
	id := s.ask(fields)
	for {
		f := s.next()
		if f.ID == id || f.Type == "closed" {
			return f, before
		}
		before = append(before, f)
	}
}

// ask sends a command and does not wait for its answer.
func (s *socket) ask(fields map[string]any) (id int) {
	s.t.Helper()
	s.id++
	fields["id"] = s.id
	data, err := json.Marshal(fields)
	if err != nil {
		s.t.Fatal(err)
	}
	p := theProtocol(s.t)
	s.note(data, p.commands, nil)
	s.write(string(data))
	return s.id
}

// write sends a text frame, whatever it holds.
func (s *socket) write(text string) {
	var h head
	_ = json.Unmarshal([]byte(text), &h) // bad frames are sent too
	if h.ID != nil {
		s.asked[*h.ID] = h.Type
	}
	_ = s.conn.WriteMessage(websocket.TextMessage, []byte(text)) // a socket that is closed says why to the reader
}

// next returns the next frame. Of a socket that was closed the type is "closed", the seq the code and the code the reason.
func (s *socket) next() frame {
	s.t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, data, err := s.conn.ReadMessage()
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		return frame{Type: "closed", Seq: int64(closed.Code), Code: closed.Text}
	}
	if err != nil {
		s.t.Fatal(err)
	}
	among, err := theProtocol(s.t).from(data, s.asked)
	s.note(data, among, err)
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		s.t.Fatal(err)
	}
	return f
}

// note remembers which of the documented messages a frame is, and fails the test where it is none.
func (s *socket) note(data []byte, among []string, err error) {
	s.t.Helper()
	name := ""
	if err == nil {
		name, err = theProtocol(s.t).message(data, among)
	}
	if err != nil {
		s.t.Errorf("not as documented: %v\n%s", err, data)
	}
	s.seen[name] = true
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

// answer returns the next reply, error or end, and passes over events.
func (s *socket) answer() frame {
	s.t.Helper()
	for {
		if f := s.next(); f.Type == "reply" || f.Type == "error" || f.Type == "closed" {
			return f
		}
	}
}

// goesOn fails the test unless the next answer is that of a ping.
func (s *socket) goesOn() {
	s.t.Helper()
	id := s.ask(map[string]any{"type": "ping"})
	if f := s.answer(); f.Type != "reply" || f.ID != id {
		s.t.Fatalf("a ping is answered by %+v", f)
	}
}

func (s *socket) join(conversationID string) frame {
	s.t.Helper()
	f, _ := s.command(map[string]any{"type": "join", "conversation": conversationID})
	return f
}
