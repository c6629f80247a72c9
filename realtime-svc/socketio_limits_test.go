package realtime

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/server/servertest"
)

func TestAUserHasABoundedNumberOfSocketIOSockets(t *testing.T) {
	overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
		var first *socketIOClient
		for range maxUserSockets {
			first = s.enter(t, w, "ada")
		}
		late := s.come(t, w, s.issuer.Token(t, "ada", time.Hour))
		late.want(w.refusal("too_many_sockets"))
		s.enter(t, w, "bob")
		first.say("41")
		first.news()
		late.say("40")
		late.want("40")
		s.come(t, w, s.issuer.Token(t, "ada", time.Hour)).want(w.refusal("too_many_sockets"))
	})
}

func TestASocketIOClientThatIsTooFastIsToldSo(t *testing.T) {
	overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
		heeding, heedless := s.enter(t, w, "ada"), s.enter(t, w, "ada")
		commands, answers := pings(commandRule.Burst + 1)
		heeding.say(commands...)
		heeding.want(answers...)
		commands, answers = pings(commandRule.Burst + maxRefused)
		_ = heedless.line.say(append(commands, `42["ping"]`)...) // a WebSocket may be closed before the last
		heedless.wantEnd(answers...)
		time.Sleep(time.Second)
		heeding.ask(`["ping"]`, "[{}]")
	})
}

// pings returns so many, and how the answers begin to those that come at once.
func pings(n int) (commands, answers []string) {
	for i := range n {
		commands = append(commands, fmt.Sprintf(`42%d["ping"]`, i))
		answer := "[{}]"
		if i >= commandRule.Burst {
			answer = `[{"error":{"code":"rate_limited","detail":"Too many commands. Try again later.","retry_after_ms":`
		}
		answers = append(answers, fmt.Sprintf(`43%d%s`, i, answer))
	}
	return commands, answers
}

func TestASocketIOPacketThatIsTooBigEndsAWebSocketAndIsRefusedToAPoll(t *testing.T) {
	overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
		padded := func(size int) string {
			const begin, end = `421["ping"`, `]`
			return begin + strings.Repeat(" ", size-len(begin+end)) + end
		}
		c := s.enter(t, w, "ada")
		c.say(padded(maxFrame - len("131072:"))) // with the length that a polled packet of revision 3 has in front
		c.want("431[{}]")
		err := c.line.say(padded(maxFrame + 1))
		if w.transport == "polling" {
			if err == nil || !strings.Contains(err.Error(), fmt.Sprint(http.StatusRequestEntityTooLarge)) {
				t.Errorf("it is answered by %v", err)
			}
			c.ask(`["ping"]`, "[{}]")
			return
		}
		if heard, ended := c.news(); len(heard) > 0 || ended == nil {
			t.Errorf("heard %q, %v", heard, ended)
		}
	})
}

func TestTheThirdConnectInVainEndsTheConnection(t *testing.T) {
	for code, connect := range map[string]string{"token_refused": `40{"token":"wrong"}`, "Invalid namespace": "40/admin,"} {
		t.Run(code, func(t *testing.T) {
			overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
				c, patient := s.come(t, w, "wrong"), s.come(t, w, "wrong")
				c.want(w.refusal("token_refused"))
				patient.want(w.refusal("token_refused"))
				c.say(connect)
				heard, ended := c.news()
				if len(heard) != 1 || !strings.HasPrefix(heard[0], "44") || !strings.Contains(heard[0], code) || ended != nil {
					t.Errorf("heard %q, %v", heard, ended)
				}
				c.say(connect)
				c.wantEnd("44")
				patient.say(connect)
				patient.say(fmt.Sprintf(`40{"token":%q}`, s.issuer.Token(t, "ada", time.Hour)))
				patient.want("44", "40")
			})
		})
	}
}

// A socket that is refused costs as much as one that is not while its connection stays.
func TestARefusedWebSocketHandshakeHasItsConnectionClosedAndAPollHasNot(t *testing.T) {
	inScene(t, Config{ConnectRate: 1}, func(t *testing.T, s *scene) {
		s.ring(t, socketIOWays[2], "") // all that one second has
		for path, webSocket := range map[string]bool{
			"/v1/ws": true, socketIOQuery(4, "websocket", ""): true, socketIOQuery(3, "websocket", ""): true,
			socketIOQuery(4, "polling", ""): false, socketIOQuery(3, "polling", ""): false,
		} {
			response, code := s.knock(t, path, webSocket)
			if response.StatusCode != http.StatusServiceUnavailable || code != "too_many_handshakes" || response.Header.Get("Retry-After") == "" {
				t.Errorf("%s is answered by %d %q, %v", path, response.StatusCode, code, response.Header)
			}
			if response.Close != webSocket {
				t.Errorf("%s: the connection is to be closed: %t", path, response.Close)
			}
		}
	})
}

// knock returns the answer to a handshake that is refused, and its code.
func (s *scene) knock(t *testing.T, path string, webSocket bool) (*http.Response, string) {
	t.Helper()
	transport := &http.Transport{DialContext: s.pipes.Dial}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://replica"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if webSocket {
		request.Header = header("Connection", "upgrade", "Upgrade", "websocket")
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var p servertest.Problem
	if err := json.NewDecoder(response.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return response, p.Code
}
