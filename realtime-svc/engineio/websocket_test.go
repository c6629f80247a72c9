package engineio_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/realtime-svc/engineio"
)

func TestMessagesOverAWebSocketComeBack(t *testing.T) {
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		for eio, binary := range map[string]string{"4": "\x01\x02\x04", "3": "\x04\x01\x02\x04"} {
			ws := e.open(eio)
			for _, text := range []string{"4hello", "4", "4ä€𝄞", "4" + strings.Repeat("x", 9000)} {
				e.say(ws, text)
				if got := e.hear(ws); got != text {
					t.Errorf("revision %s: %.30q came back for %.30q", eio, got, text)
				}
			}
			if err := ws.WriteMessage(websocket.BinaryMessage, []byte(binary)); err != nil {
				t.Fatal(err)
			}
			if kind, data, err := ws.ReadMessage(); kind != websocket.BinaryMessage || string(data) != binary {
				t.Errorf("revision %s: %d %q came back, %v", eio, kind, data, err)
			}
			_ = ws.Close()
		}
	})
}

func TestWhatBreaksTheRulesOfAWebSocketEndsTheSession(t *testing.T) {
	text, binary := websocket.TextMessage, websocket.BinaryMessage
	for name, test := range map[string]struct {
		eio  string
		kind int
		data string
	}{
		"an empty frame":                {"4", text, ""},
		"an unknown packet":             {"4", text, "abc"},
		"a ping of the client":          {"4", text, "2"},
		"a probe of what is there":      {"4", text, "2probe"},
		"an upgrade to what is there":   {"4", text, "5"},
		"no UTF-8":                      {"4", text, "4\xff"},
		"a message above the bound":     {"4", text, "4" + strings.Repeat("x", 20_000)},
		"binary without a type":         {"3", binary, ""},
		"binary of another type":        {"3", binary, "\x02"},
		"a pong of a client that pings": {"3", text, "3"},
		"binary above the bound":        {"4", binary, strings.Repeat("x", 20_001)},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, engineio.Config{MaxPayload: 20_000}, func(t *testing.T, e *endpoint) {
				ws := e.open(test.eio)
				defer ws.Close()
				if err := ws.WriteMessage(test.kind, []byte(test.data)); err != nil {
					t.Fatal(err)
				}
				if got := e.hear(ws); got != "closed" {
					t.Errorf("heard %q", got)
				}
				e.wantClosed(engineio.ErrProtocol)
			})
		})
	}
}

func TestServerPingsClientsOfRevision4(t *testing.T) {
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		ws := e.open("4")
		defer ws.Close()
		begin := time.Now()
		for n := range 3 {
			if got, after := e.hear(ws), time.Since(begin); got != "2" || after != time.Duration(n+1)*26*time.Second-time.Second {
				t.Fatalf("heard %q after %v", got, after)
			}
			time.Sleep(time.Second)
			e.say(ws, "3")
		}
		if got := e.hear(ws); got != "2" {
			t.Errorf("heard %q", got)
		}
		begin = time.Now()
		if got, after := e.hear(ws), time.Since(begin); got != "closed" || after != 20*time.Second {
			t.Errorf("heard %q after %v without a pong", got, after)
		}
		e.wantClosed(engineio.ErrSilent)
	})
}

func TestPollingClientThatDoesNotAnswerPingsIsGone(t *testing.T) {
	inBubble(t, engineio.Config{}, func(_ *testing.T, e *endpoint) {
		session := e.poll("4")
		e.want(http.StatusOK, "2")(e.get(session))
		e.want(http.StatusOK, "ok")(e.post(session, "3"))
		e.want(http.StatusOK, "2")(e.get(session))
		e.want(http.StatusOK, "1")(e.get(session))
		e.wantClosed(engineio.ErrSilent)
	})
}

func TestClientsOfRevision3Ping(t *testing.T) {
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		ws := e.open("3")
		defer ws.Close()
		for range 3 {
			time.Sleep(44 * time.Second)
			e.say(ws, "2")
			if got := e.hear(ws); got != "3" {
				t.Fatalf("heard %q", got)
			}
		}
		begin := time.Now()
		if got, after := e.hear(ws), time.Since(begin); got != "closed" || after != 45*time.Second {
			t.Errorf("heard %q after %v without a ping", got, after)
		}
		e.wantClosed(engineio.ErrSilent)
	})
}

func TestClientThatClosesItsWebSocketHasEnded(t *testing.T) {
	for name, test := range map[string]struct {
		leave func(e *endpoint, ws *websocket.Conn)
		want  error
	}{
		"by a close packet": {func(e *endpoint, ws *websocket.Conn) { e.say(ws, "1"); e.hear(ws) }, engineio.ErrClient},
		"by a close frame": {func(e *endpoint, ws *websocket.Conn) {
			_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Time{})
			e.hear(ws)
		}, engineio.ErrClient},
		"by hanging up": {func(_ *endpoint, ws *websocket.Conn) { _ = ws.Close() }, engineio.ErrLost},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, engineio.Config{}, func(_ *testing.T, e *endpoint) {
				ws := e.open("4")
				defer ws.Close()
				test.leave(e, ws)
				e.wantClosed(test.want)
			})
		})
	}
}

func TestServerThatClosesWritesWhatItHasSentBefore(t *testing.T) {
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		ws := e.open("4")
		defer ws.Close()
		over := e.last
		session := e.poll("4")
		polled := e.last
		go func() {
			_ = over.Send(engineio.Message{Data: []byte("bye")})
			over.Close()
			_ = polled.Send(engineio.Message{Data: []byte("bye")})
			polled.Close()
		}()
		if first, second := e.hear(ws), e.hear(ws); first != "4bye" || second != "closed" {
			t.Errorf("heard %q and %q", first, second)
		}
		e.want(http.StatusOK, "4bye\x1e1")(e.get(session))
	})
}

func TestServerThatFinishesLetsPollingClientsFetchWhatWaits(t *testing.T) {
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		session := e.poll("4")
		_ = e.last.Send(engineio.Message{Data: []byte("bye")})
		gone := e.poll("4")
		begin := time.Now()
		var group sync.WaitGroup
		group.Go(func() { e.engine.Finish(time.Minute) })
		time.Sleep(time.Second)
		e.want(http.StatusOK, "4bye\x1e1")(e.get(session))
		group.Wait()
		if took := time.Since(begin); took < 10*time.Second || took > 11*time.Second { // it forgets who does not come
			t.Errorf("it took %v", took)
		}
		e.want(http.StatusBadRequest, `{"code":1,"message":"Session ID unknown"}`+"\n")(e.get(gone))
		begin = time.Now()
		if e.engine.Finish(time.Minute); time.Since(begin) > 0 {
			t.Errorf("without anybody it took %v", time.Since(begin))
		}
	})
}

func TestWebSocketThatTakesNothingIsGivenUp(t *testing.T) {
	inBubble(t, engineio.Config{WriteTimeout: 3 * time.Second}, func(t *testing.T, e *endpoint) {
		ws := e.open("4")
		defer ws.Close()
		begin := time.Now()
		for e.last.Send(engineio.Message{Data: make([]byte, 1000)}) == nil {
		}
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("it was given up after %v", took)
		}
		e.wantClosed(engineio.ErrLost)
	})
}
