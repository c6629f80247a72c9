package engineio_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/realtime-svc/engineio"
)

func overWebSocket(session string) string { return strings.Replace(session, "polling", "websocket", 1) }

func TestSessionMovesToAWebSocket(t *testing.T) {
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		for eio, noop := range map[string]string{"3": "1:6", "4": "6"} {
			session := e.poll(eio)
			var group sync.WaitGroup
			group.Go(func() { e.want(http.StatusOK, noop)(e.get(session)) }) // held, and let go
			synctest.Wait()
			ws := e.dial(overWebSocket(session))
			e.say(ws, "2probe")
			if got := e.hear(ws); got != "3probe" {
				t.Fatalf("heard %q", got)
			}
			group.Wait()
			begin := time.Now()
			e.want(http.StatusOK, noop)(e.get(session))
			if took := time.Since(begin); took != 100*time.Millisecond {
				t.Errorf("a poll was held for %v", took)
			}
			e.say(ws, "5")
			e.say(ws, "4hello")
			if got := e.hear(ws); got != "4hello" {
				t.Errorf("heard %q", got)
			}
			e.want(http.StatusBadRequest, `{"code":3,"message":"Bad request"}`+"\n")(e.get(session))
			e.want(http.StatusBadRequest, `{"code":3,"message":"Bad request"}`+"\n")(e.post(session, "4x"))
			_ = ws.Close()
		}
	})
}

func TestMoveUnderTrafficKeepsEachMessageAndTheirOrder(t *testing.T) {
	const messages = 300
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		session := e.poll("4")
		sender := e.last
		go func() {
			for n := range messages {
				_ = sender.Send(engineio.Message{Data: fmt.Append(nil, n)})
				time.Sleep(time.Millisecond)
			}
		}()
		next := 0
		take := func(packets ...string) {
			for _, p := range packets {
				switch p {
				case "6":
				case fmt.Sprint("4", next):
					next++
				default:
					t.Fatalf("%q came, want number %d", p, next)
				}
			}
		}
		poll := func() {
			_, answer := e.get(session)
			take(strings.Split(answer, "\x1e")...)
		}
		for next < messages/4 {
			poll()
		}
		ws := e.dial(overWebSocket(session))
		defer ws.Close()
		e.say(ws, "2probe")
		for next < messages/2 {
			poll()
		}
		if got := e.hear(ws); got != "3probe" {
			t.Fatalf("heard %q", got)
		}
		e.say(ws, "5")
		for next < messages {
			take(e.hear(ws))
		}
	})
}

func TestMoveThatIsNotCompletedLeavesTheSessionAsItWas(t *testing.T) {
	for name, frames := range map[string][]string{
		"no probe":                     {},
		"a message instead of a probe": {"4hello"},
		"no upgrade":                   {"2probe"},
		"a message instead of it":      {"2probe", "4hello"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
				session := e.poll("4")
				ws := e.dial(overWebSocket(session))
				defer ws.Close()
				begin := time.Now()
				for _, f := range frames {
					e.say(ws, f)
					if got := "3probe"; f == "2probe" && e.hear(ws) != got {
						t.Fatalf("heard no %q", got)
					}
				}
				if got := e.hear(ws); got != "closed" {
					t.Fatalf("heard %q", got)
				}
				if took := time.Since(begin); took != 0 && took != 10*time.Second {
					t.Errorf("it was dropped after %v", took)
				}
				e.want(http.StatusOK, "ok")(e.post(session, "4x"))
				e.want(http.StatusOK, "4x")(e.get(session))
				second := e.dial(overWebSocket(session))
				defer second.Close()
				e.say(second, "2probe")
				if got := e.hear(second); got != "3probe" {
					t.Errorf("a second try heard %q", got)
				}
			})
		})
	}
}

func TestUpgradesAtOnceAreBounded(t *testing.T) {
	inBubble(t, engineio.Config{Upgrades: 2}, func(t *testing.T, e *endpoint) {
		var sessions []string
		for range 3 {
			sessions = append(sessions, overWebSocket(e.poll("4")))
		}
		first, second := e.dial(sessions[0]), e.dial(sessions[1])
		defer second.Close()
		upgrade := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
		e.want(http.StatusServiceUnavailable, `{"code":3,"message":"Too many upgrades at once"}`+"\n")(e.do(t.Context(), http.MethodGet, sessions[2], "", upgrade))
		_ = first.Close()
		synctest.Wait()
		third := e.dial(sessions[2])
		defer third.Close()
		e.say(third, "2probe")
		if got := e.hear(third); got != "3probe" {
			t.Errorf("heard %q", got)
		}
		e.say(third, "5")
		synctest.Wait()
		fourth := e.dial(sessions[0]) // the third has its place no more
		defer fourth.Close()
	})
}

func TestSecondWebSocketOfASessionIsClosed(t *testing.T) {
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		session := e.poll("4")
		first := e.dial(overWebSocket(session))
		defer first.Close()
		e.say(first, "2probe")
		e.hear(first)
		during := e.dial(overWebSocket(session))
		defer during.Close()
		if got := e.hear(during); got != "closed" {
			t.Errorf("while another is tried: heard %q", got)
		}
		e.say(first, "5")
		synctest.Wait()
		after := e.dial(overWebSocket(session))
		defer after.Close()
		if got := e.hear(after); got != "closed" {
			t.Errorf("after the move: heard %q", got)
		}
		e.say(first, "4x")
		if got := e.hear(first); got != "4x" {
			t.Errorf("the first one heard %q", got)
		}
	})
}
