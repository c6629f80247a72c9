package engineio_test

import (
	"errors"
	"net/http"
	"regexp"
	"testing"

	"github.com/confab-chat/confab/realtime-svc/engineio"
)

func TestHandshakeTellsTheClientWhatItNeeds(t *testing.T) {
	const times = `"pingInterval":25000,"pingTimeout":20000`
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		for query, want := range map[string]string{
			"EIO=4&transport=polling":           `^0\{"sid":"\w{20,}","upgrades":\["websocket"\],` + times + `,"maxPayload":1000000\}$`,
			"EIO=4&transport=polling&t=O&x=y":   `^0\{"sid":"\w{20,}","upgrades":\["websocket"\],` + times + `,"maxPayload":1000000\}$`,
			"EIO=3&transport=polling":           `^\d+:0\{"sid":"\w{20,}","upgrades":\["websocket"\],` + times + `\}$`,
			"EIO=3&transport=polling&b64=1":     `^\d+:0\{"sid":"\w{20,}","upgrades":\["websocket"\],` + times + `\}$`,
			"EIO=4&transport=websocket":         `^0\{"sid":"\w{20,}","upgrades":\[\],` + times + `,"maxPayload":1000000\}$`,
			"transport=websocket&EIO=3&b64=yes": `^0\{"sid":"\w{20,}","upgrades":\[\],` + times + `\}$`,
		} {
			var hello string
			if regexp.MustCompile("websocket").MatchString(query) {
				ws := e.dial(query)
				hello = e.hear(ws)
				_ = ws.Close()
			} else {
				_, hello = e.get(query)
			}
			if !regexp.MustCompile(want).MatchString(hello) {
				t.Errorf("%s: %q does not match %s", query, hello, want)
			}
		}
	})
}

func TestWrongRequestsAreRefused(t *testing.T) {
	upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
	const (
		transport = `{"code":0,"message":"Transport unknown"}`
		session   = `{"code":1,"message":"Session ID unknown"}`
		method    = `{"code":2,"message":"Bad handshake method"}`
		request   = `{"code":3,"message":"Bad request"}`
		version   = `{"code":5,"message":"Unsupported protocol version"}`
	)
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		for name, test := range map[string]struct {
			method, query string
			header        http.Header
			answer        string
		}{
			"no transport":                      {"GET", "EIO=4", nil, transport},
			"another transport":                 {"GET", "EIO=4&transport=flashsocket", nil, transport},
			"no version":                        {"GET", "transport=polling", nil, version},
			"another version":                   {"GET", "EIO=abc&transport=polling", nil, version},
			"a version of the past":             {"GET", "EIO=2&transport=polling", nil, version},
			"another version over a WebSocket":  {"GET", "EIO=abc&transport=websocket", upgrade, version},
			"a handshake that posts":            {"POST", "EIO=4&transport=polling", nil, method},
			"a handshake that puts":             {"PUT", "EIO=4&transport=polling", nil, method},
			"an unknown session":                {"GET", "EIO=4&transport=polling&sid=abc", nil, session},
			"an unknown session that posts":     {"POST", "EIO=4&transport=polling&sid=abc", nil, session},
			"an unknown session on a WebSocket": {"GET", "EIO=4&transport=websocket&sid=abc", upgrade, session},
			"an empty session":                  {"GET", "EIO=4&transport=polling&sid=", nil, session},
			"a WebSocket without an upgrade":    {"GET", "EIO=4&transport=websocket", nil, request},
			"an upgrade to polling":             {"GET", "EIO=4&transport=polling", upgrade, request},
			"a script":                          {"GET", "EIO=3&transport=polling&j=0", nil, request},
		} {
			status, answer := e.do(t.Context(), test.method, test.query, "", test.header)
			if status != http.StatusBadRequest || answer != test.answer+"\n" {
				t.Errorf("%s: got %d %q, want 400 %s", name, status, answer, test.answer)
			}
		}
	})
}

func TestServerThatRefusesASessionSaysWhy(t *testing.T) {
	config := engineio.Config{Open: func(*engineio.Session, *http.Request) (engineio.Handler, error) { return nil, errors.New("Not today") }}
	inBubble(t, config, func(_ *testing.T, e *endpoint) {
		e.want(http.StatusForbidden, `{"code":4,"message":"Not today"}`+"\n")(e.get("EIO=4&transport=polling"))
		e.want(http.StatusForbidden, `{"code":4,"message":"Not today"}`+"\n")(e.get("EIO=3&transport=polling"))
	})
}
