package socketiotest_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/realtime-svc/internal/pipes"
	"github.com/confab-chat/confab/realtime-svc/socketio/socketiotest"
)

// endpoint is a running server.
type endpoint struct {
	*socketiotest.Server
	t      *testing.T
	dialer websocket.Dialer
}

// inBubble runs the test against a server whose goroutines must all end.
func inBubble(t *testing.T, test func(t *testing.T, e *endpoint)) {
	synctest.Test(t, func(t *testing.T) {
		p := pipes.Listen()
		e := &endpoint{Server: socketiotest.New(), t: t, dialer: websocket.Dialer{NetDialContext: p.Dial}}
		listening := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
		go func() { _ = listening.Serve(p) }()
		defer e.Close()
		defer listening.Close()
		test(t, e)
	})
}

type answer = *httptest.ResponseRecorder

func (e *endpoint) do(method, path, contentType, body string) answer {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(e.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	e.ServeHTTP(w, r)
	return w
}

// want wants an answer's status, and its body unless that is "".
func (e *endpoint) want(a answer, status int, body string) {
	e.t.Helper()
	if got := a.Body.String(); a.Code != status || body != "" && got != body {
		e.t.Errorf("the answer is %d %.200q, want %d %.200q", a.Code, got, status, body)
	}
}

func (e *endpoint) get(path string) answer        { return e.do(http.MethodGet, path, "", "") }
func (e *endpoint) post(path, body string) answer { return e.do(http.MethodPost, path, "", body) }

// poll opens a session and returns the path of its requests.
func (e *endpoint) poll(path string) string {
	e.t.Helper()
	hello := e.get(path + "&transport=polling").Body.String()
	id := regexp.MustCompile(`"sid":"(\w+)"`).FindStringSubmatch(hello)
	if id == nil {
		e.t.Fatalf("the session begins with %q", hello)
	}
	return path + "&transport=polling&sid=" + id[1]
}

// socket is a WebSocket. It reads all the time, as those of browsers do.
type socket struct {
	*websocket.Conn
	frames chan string // those that are binary begin with "binary "
}

func (e *endpoint) dial(path string) socket {
	e.t.Helper()
	ws, _, err := e.dialer.DialContext(e.t.Context(), "ws://suite.test"+path, http.Header{"Origin": {"https://elsewhere.test"}})
	if err != nil {
		e.t.Fatal(err)
	}
	s := socket{ws, make(chan string, 100)}
	go func() {
		defer close(s.frames)
		for {
			kind, data, err := ws.ReadMessage()
			if err != nil {
				return
			}
			s.frames <- map[int]string{websocket.BinaryMessage: "binary "}[kind] + string(data)
		}
	}()
	return s
}

func (s socket) say(frames ...string) {
	for _, f := range frames {
		data, binary := strings.CutPrefix(f, "binary ")
		kind := map[bool]int{false: websocket.TextMessage, true: websocket.BinaryMessage}[binary]
		_ = s.WriteMessage(kind, []byte(data)) // what does not come is not answered
	}
}

// hear returns the next frame, or "closed".
func (s socket) hear() string {
	if f, open := <-s.frames; open {
		return f
	}
	return "closed"
}

func (e *endpoint) wantFrames(s socket, frames ...string) {
	e.t.Helper()
	for _, want := range frames {
		if got := s.hear(); got != want {
			e.t.Fatalf("heard %.200q, want %.200q", got, want)
		}
	}
}

func TestHandshakeTellsTheBounds(t *testing.T) {
	const polling = `0{"sid":"…","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200`
	const overWebSocket = `0{"sid":"…","upgrades":[],"pingInterval":300,"pingTimeout":200`
	sid := regexp.MustCompile(`"sid":"\w{26}"`)
	inBubble(t, func(t *testing.T, e *endpoint) {
		for path, want := range map[string]string{
			"/engine.io/?EIO=4&transport=polling":   polling + `,"maxPayload":1000000}`,
			"/socket.io/?EIO=4&transport=polling":   polling + `,"maxPayload":1000000}`,
			"/engine.io/?EIO=4&transport=websocket": overWebSocket + `,"maxPayload":1000000}`,
			"/socket.io/?EIO=4&transport=websocket": overWebSocket + `,"maxPayload":1000000}`,
			"/engine.io/?EIO=3&transport=polling":   `99:` + polling + `}`,
			"/socket.io/?EIO=3&transport=polling":   `99:` + polling + `}2:4013:42["auth",{}]`,
			"/engine.io/?EIO=3&transport=websocket": overWebSocket + `}`,
			"/socket.io/?EIO=3&transport=websocket": overWebSocket + `}`,
		} {
			hello := e.get(path).Body.String()
			if strings.HasSuffix(path, "websocket") {
				hello = e.dial(path).hear()
			}
			if got := sid.ReplaceAllString(hello, `"sid":"…"`); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
	})
}

func TestPolledMessagesComeBackInTheFormThatWasAskedFor(t *testing.T) {
	const plain, octets = "text/plain; charset=UTF-8", "application/octet-stream"
	const four, three, base64 = "/engine.io/?EIO=4", "/engine.io/?EIO=3", "/engine.io/?EIO=3&b64=1"
	for _, test := range []struct{ name, path, contentType, said, heard, form string }{
		{"several packets", four, plain, "4test1\x1e4test2\x1e4test3", "4test1\x1e4test2\x1e4test3", plain},
		{"several packets of revision 3", three, plain, "6:4test16:4test26:4test3", "6:4test16:4test26:4test3", plain},
		{"text and binary in base64", base64, plain, "6:4hello10:b4AQIDBA==", "6:4hello10:b4AQIDBA==", plain},
		{"text and binary as such", three, plain, "6:4hello10:b4AQIDBA==", "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04", octets},
		{"text and binary that came as such", base64, octets, "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04", "6:4hello10:b4AQIDBA==", plain},
		{"text that is not ASCII", three, plain, "2:4ä", "\x00\x03\xff4ä", octets},
		{"a long text that is not ASCII", three, octets, "\x00\x01\x01\xff4" + strings.Repeat("ä", 5), "\x00\x01\x01\xff4" + strings.Repeat("ä", 5), octets},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, e *endpoint) {
				session := e.poll(test.path)
				e.want(e.do(http.MethodPost, session, test.contentType, test.said), http.StatusOK, "ok")
				got := e.get(session)
				e.want(got, http.StatusOK, test.heard)
				if h := got.Header(); h.Get("Content-Type") != test.form || h.Get("Cache-Control") != "no-store" {
					t.Errorf("the answer's headers are %v", h)
				}
			})
		})
	}
}

func TestClientsLiveAsLongAsTheyBeat(t *testing.T) {
	inBubble(t, func(t *testing.T, e *endpoint) {
		four, three := e.poll("/engine.io/?EIO=4"), e.poll("/engine.io/?EIO=3")
		over4, over3 := e.dial("/engine.io/?EIO=4&transport=websocket"), e.dial("/engine.io/?EIO=3&transport=websocket")
		over4.hear()
		over3.hear()
		begin, beats := time.Now(), map[string]string{four: "3", three: "1:2"}
		for range 3 {
			e.want(e.get(four), http.StatusOK, "2")
			e.wantFrames(over4, "2")
			over3.say("2")
			e.wantFrames(over3, "3")
			over4.say("3")
			for path, body := range beats {
				e.want(e.post(path, body), http.StatusOK, "ok")
			}
			e.want(e.get(three), http.StatusOK, "1:3")
		}
		e.wantFrames(over4, "2", "closed")
		e.wantFrames(over3, "closed")
		if took := time.Since(begin); took != 1400*time.Millisecond {
			t.Errorf("they lived for %v", took)
		}
		synctest.Wait()
		for path, body := range beats {
			e.want(e.post(path, body), http.StatusBadRequest, "")
		}
	})
}

func TestPolledSessionClosesWhileItIsPolled(t *testing.T) {
	for path, packets := range map[string][2]string{"/engine.io/?EIO=4": {"1", "6"}, "/engine.io/?EIO=3": {"1:1", "1:6"}} {
		for range 20 { // the one request comes first, or the other
			inBubble(t, func(_ *testing.T, e *endpoint) {
				session := e.poll(path)
				var group sync.WaitGroup
				group.Go(func() { e.want(e.get(session), http.StatusOK, packets[1]) })
				group.Go(func() { e.want(e.post(session, packets[0]), http.StatusOK, "ok") })
				group.Wait()
				e.want(e.get(session), http.StatusBadRequest, "")
			})
		}
	}
}

func TestSessionMovesInOneGo(t *testing.T) {
	for path, binary := range map[string]string{"/engine.io/?EIO=4": "binary \x01\x02", "/engine.io/?EIO=3": "binary \x04\x01\x02"} {
		inBubble(t, func(_ *testing.T, e *endpoint) {
			session := e.poll(path)
			ws := e.dial(strings.Replace(session, "polling", "websocket", 1))
			ws.say("2probe", "5")
			e.wantFrames(ws, "3probe")
			synctest.Wait()
			e.want(e.get(session), http.StatusBadRequest, "")
			e.wantFrames(e.dial(strings.Replace(session, "polling", "websocket", 1)), "closed")
			ws.say("4hello", binary, "1")
			e.wantFrames(ws, "4hello", binary, "closed")
			e.want(e.get(session), http.StatusBadRequest, `{"code":1,"message":"Session ID unknown"}`+"\n")
		})
	}
}

func TestMessagesHaveAMillionBytes(t *testing.T) {
	inBubble(t, func(_ *testing.T, e *endpoint) {
		most := "4" + strings.Repeat("x", 999_999)
		session, ws := e.poll("/engine.io/?EIO=4"), e.dial("/engine.io/?EIO=4&transport=websocket")
		e.want(e.post(session, most+"x"), http.StatusRequestEntityTooLarge, "")
		e.want(e.post(session, most), http.StatusOK, "ok")
		e.want(e.get(session), http.StatusOK, most)
		ws.hear()
		ws.say(most, most+"x")
		e.wantFrames(ws, most, "closed")
	})
}

func TestAnyOriginIsAllowed(t *testing.T) {
	inBubble(t, func(t *testing.T, e *endpoint) {
		session := e.poll("/socket.io/?EIO=4")
		for _, a := range []answer{e.post(session, "40"), e.get(session), e.get("/engine.io/"), e.get("/"), e.do(http.MethodOptions, session, "", "")} {
			if h := a.Header(); h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Headers") != "Content-Type" {
				t.Errorf("the answer's headers are %v", h)
			}
		}
		e.want(e.do(http.MethodOptions, session, "", ""), http.StatusNoContent, "")
		e.want(e.get("/elsewhere/?EIO=4&transport=polling"), http.StatusNotFound, "")
	})
}

func TestServerThatClosesEndsAllSessions(t *testing.T) {
	for _, path := range []string{"/engine.io/?EIO=4", "/socket.io/?EIO=4"} {
		inBubble(t, func(_ *testing.T, e *endpoint) {
			session, ws := e.poll(path), e.dial(path+"&transport=websocket")
			ws.hear()
			var group sync.WaitGroup
			group.Go(func() { e.want(e.get(session), http.StatusOK, "1") })
			synctest.Wait()
			e.Close()
			e.wantFrames(ws, "closed")
			group.Wait()
			e.want(e.get(session), http.StatusBadRequest, "")
			e.want(e.get(path+"&transport=polling"), http.StatusServiceUnavailable, "")
		})
	}
}
