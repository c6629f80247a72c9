package e2e_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// closing is how the server ended a socket.
type closing struct {
	code   int
	reason string
}

// end passes over what comes before the end of the socket, which may take a while.
func (s *socket) end(within time.Duration) closing {
	s.t.Helper()
	for deadline := time.Now().Add(within); ; {
		_ = s.conn.SetReadDeadline(deadline)
		if _, _, err := s.conn.ReadMessage(); err != nil {
			closed, ok := errors.AsType[*websocket.CloseError](err)
			if !ok {
				s.t.Fatalf("the socket ends without a code: %v", err)
			}
			return closing{code: closed.Code, reason: closed.Text}
		}
	}
}

// Endings that no test here waits for: no_pong takes 45 s, and tokens that cannot be judged need a service that is away. realtime-svc's own
// tests have them.
var unprovoked = []closing{{4409, "no_pong"}, {1013, "try_again_later"}}

// provoked is how each documented end of a socket comes about. Each has a Confab of its own.
var provoked = map[closing]func(t *testing.T) *socket{
	{1003, "binary_frame"}: func(t *testing.T) *socket {
		return sends(t, websocket.BinaryMessage, `{"id":1,"type":"ping"}`)
	},
	{1007, "invalid_utf8"}: func(t *testing.T) *socket {
		return sends(t, websocket.TextMessage, "{\"id\":1,\"type\":\"ping\xff\"}")
	},
	{1009, ""}: func(t *testing.T) *socket {
		return sends(t, websocket.TextMessage, strings.Repeat(" ", 128<<10+1))
	},
	{1012, "restart"}: func(t *testing.T) *socket {
		c := own(t)
		s := register(t, c.url).dial(t)
		s.goesOn()
		c.cancel() // as SIGTERM does
		return s
	},
	{1012, "connection_age"}: func(t *testing.T) *socket {
		return register(t, own(t, "-max-connection-age", "1s").url).dial(t)
	},
	{4401, "token_expired"}: func(t *testing.T) *socket { return expires(t, own(t, "-tutorial-token-ttl", "3s").url) },
	{4402, "no_token"}:      func(t *testing.T) *socket { return visit(own(t).url).dial(t) },
	{4408, "too_slow"}:      fallsBehind,
	{4429, "too_many_commands"}: func(t *testing.T) *socket {
		s := register(t, own(t).url).dial(t)
		flood := []byte(strings.Repeat("\x81\x80\x00\x00\x00\x00", 20_000)) // empty text frames, masked with zeros
		_, _ = s.conn.NetConn().Write(flood)                                // fails where the server closes before the end
		return s
	},
	{4430, "too_many_sockets"}: func(t *testing.T) *socket {
		ann := register(t, own(t).url)
		for range 50 {
			ann.dial(t).goesOn()
		}
		return ann.dial(t)
	},
	{4501, "session_ended"}: func(t *testing.T) *socket {
		ann := register(t, own(t).url)
		s := ann.dial(t)
		want[any](t, 204, ann.call(t, "POST", "/v1/auth/logout", nil))
		return s
	},
	{4503, "token_refused"}: func(t *testing.T) *socket { return visit(own(t).url).with("x").dial(t) },
}

func TestEachDocumentedCloseCodeIsWhatTheServerSends(t *testing.T) {
	for _, c := range theProtocol(t).Channels["socket"].CloseCodes {
		want := closing{c.Code, c.Reason}
		provoke := provoked[want]
		if provoke == nil {
			if want != unprovoked[0] && want != unprovoked[1] {
				t.Errorf("nothing here provokes %+v", want)
			}
			continue
		}
		t.Run(fmt.Sprint(c.Code, " ", c.Reason), func(t *testing.T) {
			t.Parallel() // some wait
			if got := provoke(t).end(15 * time.Second); got != want {
				t.Fatalf("the socket ends with %+v, want %+v", got, want)
			}
		})
	}
}

func sends(t *testing.T, kind int, data string) *socket {
	t.Helper()
	s := register(t, own(t).url).dial(t)
	if err := s.conn.WriteMessage(kind, []byte(data)); err != nil {
		t.Fatal(err)
	}
	return s
}

// expires opens a socket with a token that expires soon. Another socket of the user that got a new token in time goes on when this one ends.
func expires(t *testing.T, url string) *socket {
	t.Helper()
	ann := register(t, url)
	old := ann.with(want[struct{ Token string }](t, 200, ann.call(t, "POST", "/api/auth/login", map[string]string{
		"email": ann.email, "password": ann.password,
	})).Token[len("JWT "):])
	expiring, renewed := old.dial(t), old.dial(t)
	if f, _ := renewed.command(map[string]any{"type": "auth", "token": ann.token}); f.Session == nil {
		t.Fatalf("the new token is answered by %+v", f)
	}
	t.Cleanup(renewed.goesOn)
	return expiring
}

// fallsBehind writes long messages and reads no reply to them, until more waits than the connection and the server's queue hold. The server
// carries out no command of a socket that has ended: an observer hears of no more messages then.
func fallsBehind(t *testing.T) *socket {
	t.Helper()
	ann := register(t, own(t).url)
	bob := register(t, ann.url)
	chat := ann.group(t, bob)
	observer := bob.dial(t)
	observer.join(chat)
	narrow := websocket.Dialer{NetDial: func(network, address string) (net.Conn, error) {
		conn, err := net.Dial(network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return conn, err
	}}
	s := ann.dialBy(t, &narrow, "")
	for heard := 0; ; heard++ {
		for i := 0; i < 25 && heard%25 == 0; i++ {
			s.ask(map[string]any{"type": "send", "conversation": chat, "body": strings.Repeat("x", 16<<10)})
		}
		_ = observer.conn.SetReadDeadline(time.Now().Add(4 * time.Second))
		if _, _, err := observer.conn.ReadMessage(); err != nil {
			return s
		}
	}
}
