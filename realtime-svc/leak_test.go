package realtime

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

// bubbled returns the number of goroutines in the test's bubble, once none of them has anything to do.
func bubbled() int {
	synctest.Wait()
	stacks := make([]byte, 8<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte("synctest bubble"))
}

func TestSocketsLeaveNoGoroutineBehindHoweverTheyEnd(t *testing.T) {
	const each = 40
	ways := map[string]func(ws *websocket.Conn, gone *sync.WaitGroup){
		"closes": func(ws *websocket.Conn, gone *sync.WaitGroup) {
			_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(wait))
			readOn(ws, gone)
		},
		"breaks": func(ws *websocket.Conn, _ *sync.WaitGroup) { _ = ws.NetConn().Close() },
		"falls-silent": func(ws *websocket.Conn, gone *sync.WaitGroup) {
			ws.SetPingHandler(func(string) error { return nil })
			readOn(ws, gone)
		},
		"stops-reading":      func(*websocket.Conn, *sync.WaitGroup) {},
		"stays-till-a-drain": readOn,
	}
	synctest.Test(t, func(t *testing.T) {
		w, issuer := newWorld(t, broker.NewMemory()), tokentest.New()
		r := startReplica(t, Config{Drain: time.Second}, w.broker, &peer.Peers{Auth: issuer, Conversations: w, Messages: w})
		defer r.close()
		time.Sleep(time.Second) // the keys are loaded at once, in the bubble's time
		before := bubbled()
		var gone sync.WaitGroup
		for way, end := range ways { // each has a user and a conversation of its name
			w.create(way, way)
			w.say(way, way, 1)
			for range each {
				end(joined(t, r, issuer, way), &gone)
			}
		}
		if open := len(r.app.hub.all()); open < 2*each {
			t.Fatalf("%d sockets are open, want those that fell silent and those that stay", open)
		}
		for way := range ways {
			w.say(way, way, 1) // to sockets that do not read it, too
		}
		time.Sleep(2 * (pongWait + writeWait + closeWait))
		if open := len(r.app.hub.all()); open != each {
			t.Errorf("%d sockets are open, want %d", open, each)
		}
		r.app.Drain(context.Background())
		gone.Wait()
		if after := bubbled(); after != before {
			t.Errorf("%d goroutines, and %d before there were sockets", after, before)
		}
		if rooms := len(r.app.hub.rooms()); rooms != 0 {
			t.Errorf("%d rooms are left", rooms)
		}
	})
}

// joined returns a socket of the user that joined the conversation of her name, and has its one event.
func joined(t *testing.T, r *replica, issuer *tokentest.Issuer, name string) *websocket.Conn {
	t.Helper()
	ws, err := r.dial(t.Context(), t, issuer, name, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, ws: ws}
	c.send(fmt.Sprintf(`{"id":1,"type":"join","conversation":%q,"rev":0}`, name))
	c.wantRevs(1, 1)
	c.want("reply")
	_ = ws.SetReadDeadline(time.Time{})
	return ws
}

func readOn(ws *websocket.Conn, gone *sync.WaitGroup) {
	gone.Go(func() {
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
		}
	})
}
