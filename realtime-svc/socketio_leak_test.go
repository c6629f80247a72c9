package realtime

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

func TestSocketIOClientsLeaveNoGoroutineBehindHoweverTheyEnd(t *testing.T) {
	const each = 20
	overWebSocket := map[string]func(ws *websocket.Conn, gone *sync.WaitGroup){
		"disconnects": func(ws *websocket.Conn, gone *sync.WaitGroup) {
			_ = ws.WriteMessage(websocket.TextMessage, []byte("41"))
			readOn(ws, gone)
		},
		"breaks":        func(ws *websocket.Conn, _ *sync.WaitGroup) { _ = ws.NetConn().Close() },
		"falls-silent":  readOn, // it answers no ping
		"stops-reading": func(*websocket.Conn, *sync.WaitGroup) {},
		"comes-back-at-once": func(ws *websocket.Conn, gone *sync.WaitGroup) {
			_ = ws.WriteMessage(websocket.TextMessage, []byte("41"))
			_ = ws.WriteMessage(websocket.TextMessage, []byte("40"))
			readOn(ws, gone)
		},
		"breaks-the-rules": func(ws *websocket.Conn, gone *sync.WaitGroup) {
			_ = ws.WriteMessage(websocket.TextMessage, []byte("42[]"))
			readOn(ws, gone)
		},
	}
	synctest.Test(t, func(t *testing.T) {
		w, issuer := newWorld(t, broker.NewMemory()), tokentest.New()
		r := startReplica(t, Config{Drain: time.Second}, w.broker, &peer.Peers{Auth: issuer, Conversations: w, Messages: w})
		defer r.close()
		time.Sleep(time.Second) // the keys are loaded at once, in the bubble's time
		before := bubbled()
		var gone sync.WaitGroup
		for way, end := range overWebSocket {
			w.create(way, way)
			for range each {
				end(r.enterOverWebSocket(t, issuer, way), &gone)
			}
		}
		w.create("stops-polling", "stops-polling")
		for range each {
			r.enterByPolling(t, issuer, "stops-polling")
		}
		for way := range overWebSocket {
			w.say(way, way, 1)
		}
		w.say("stops-polling", "stops-polling", 3000) // more than a session keeps
		time.Sleep(pongWait / 2)
		if open := len(r.app.hub.all()); open < each {
			t.Fatalf("%d sockets are open, want those that fell silent, too", open)
		}
		begin := time.Now()
		r.app.Drain(context.Background())
		if took := time.Since(begin); took > retireWait+flushWait+2*time.Second {
			t.Errorf("the drain took %v", took)
		}
		gone.Wait()
		time.Sleep(time.Minute) // for sessions that wait for a last poll, and connections that do for a next request
		if after := bubbled(); after != before {
			t.Errorf("%d goroutines, and %d before there were sockets", after, before)
		}
		if rooms := len(r.app.hub.rooms()); rooms != 0 {
			t.Errorf("%d rooms are left", rooms)
		}
	})
}

// enterOverWebSocket returns a client of the user that has joined the conversation of her name.
func (r *replica) enterOverWebSocket(t *testing.T, issuer *tokentest.Issuer, name string) *websocket.Conn {
	t.Helper()
	ws := r.dialSocketIO(t, issuer.Token(t, name, time.Hour))
	exchange(t, ws, "40", `40{"sid":`)
	exchange(t, ws, fmt.Sprintf(`420["join",{"conversation":%q}]`, name), `430[{"joined":`)
	return ws
}

// enterByPolling has one join, and never poll.
func (r *replica) enterByPolling(t *testing.T, issuer *tokentest.Issuer, name string) {
	t.Helper()
	l := r.openPolling(t, 4, issuer.Token(t, name, time.Hour))
	defer l.close()
	if err := l.say("40", fmt.Sprintf(`42["join",{"conversation":%q}]`, name)); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}
