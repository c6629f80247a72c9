package realtime

import (
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

// In each case a network tries again each millisecond for ten seconds, and another one, where it comes, a tenth of the rate in each.
func TestOneNetworkHasTheConnectRateToItselfButYieldsToAnother(t *testing.T) {
	const aWhile = 10 * time.Second
	for _, rate := range []int{1, 2, 3, 10, 15, 500} {
		t.Run(fmt.Sprintf("a rate of %d", rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDoor(&hub{local: ratelimit.NewMemory()}, rate, nil, slog.New(slog.DiscardHandler))
				greedy := 0
				for start := time.Now(); time.Since(start) < aWhile; time.Sleep(time.Millisecond) {
					if d.hasRoom(t.Context(), "greedy") {
						greedy++
					}
				}
				if greedy < 10*rate || greedy > 11*rate {
					t.Errorf("alone, it opens %d, want the rate in each second and at most as many at once", greedy)
				}
				if rate < 2 {
					return // there is one at a time, whoever comes first
				}
				refused, modest := 0, max(1, rate/shareOfRate)
				next := time.Now()
				for start := time.Now(); time.Since(start) < aWhile; time.Sleep(time.Millisecond) {
					d.hasRoom(t.Context(), "greedy")
					if time.Now().Before(next) {
						continue
					}
					next = next.Add(time.Second/time.Duration(modest) + time.Millisecond)
					if !d.hasRoom(t.Context(), "modest") {
						refused++
					}
				}
				if refused > 0 {
					t.Errorf("the other is refused %d times", refused)
				}
			})
		})
	}
}

func TestWithoutAConnectRateNobodyIsRefused(t *testing.T) {
	d := newDoor(&hub{local: ratelimit.NewMemory()}, 0, nil, slog.New(slog.DiscardHandler))
	for range 10_000 {
		if !d.hasRoom(t.Context(), "one") {
			t.Fatal("refused")
		}
	}
}

// atANarrowDoor runs the test in a bubble, at a replica that lets in one socket a second, and must have no stranger left in the end.
func atANarrowDoor(t *testing.T, test func(t *testing.T, r *replica, issuer *tokentest.Issuer)) {
	synctest.Test(t, func(t *testing.T) {
		w, issuer := newWorld(t, broker.NewMemory()), tokentest.New("ada")
		r := startReplica(t, Config{ConnectRate: 1}, w.broker, &peer.Peers{Auth: issuer, Conversations: w, Messages: w})
		defer func() {
			r.close()
			if of := r.app.hub.waiting.of; len(of) != 0 {
				t.Errorf("%v are left", of)
			}
		}()
		test(t, r, issuer)
	})
}

func TestOfTooManySocketsWithoutATokenTheOldestIsAskedToComeAgain(t *testing.T) {
	atANarrowDoor(t, func(t *testing.T, r *replica, issuer *tokentest.Issuer) {
		open := func() *client {
			time.Sleep(time.Second)
			dialer := websocket.Dialer{NetDialContext: r.pipes.Dial}
			ws, response, err := dialer.DialContext(t.Context(), "ws://replica/v1/ws", nil)
			if err != nil {
				t.Fatalf("dial: %v, %+v", err, response)
			}
			synctest.Wait() // until it is counted
			return &client{t: t, ws: ws}
		}
		first, gone, known := open(), open(), open()
		first.auth(issuer.Token(t, "ada", time.Hour)) // too late: it was the oldest of three
		first.wantClose(endUnavailable.code)
		_ = gone.ws.Close()
		known.auth(issuer.Token(t, "ada", time.Hour))
		known.want("reply")
		next, last := open(), open()
		for _, c := range []*client{known, next, last} {
			c.send(`{"id":1,"type":"ping"}`)
			c.next()
		}
		time.Sleep(time.Second)
		defer r.dialSocketIO(t, "").Close() // whatever it speaks
		next.wantClose(endUnavailable.code)
		last.send(`{"id":1,"type":"ping"}`)
		last.wantCode("unauthenticated")
		known.wantNothing()
	})
}

func TestOfTooManySocketIOClientsThatDoNotConnectTheOldestIsClosed(t *testing.T) {
	atANarrowDoor(t, func(t *testing.T, r *replica, issuer *tokentest.Issuer) {
		open := func() *websocket.Conn {
			time.Sleep(time.Second)
			return r.dialSocketIO(t, issuer.Token(t, "ada", time.Hour))
		}
		first := open()
		ended := make(chan error, 1)
		go func() {
			_, _, err := first.ReadMessage()
			ended <- err
		}()
		second, third := open(), open()
		if err := <-ended; !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			t.Errorf("the first ends with %v", err)
		}
		for _, ws := range []*websocket.Conn{second, third} {
			exchange(t, ws, "40", `40{"sid":`)
			_ = ws.Close()
		}
	})
}

func TestTheStrangersOfANetworkAreNoConcernOfAnother(t *testing.T) {
	all, came, ended := newStrangers(2), []*stranger{}, []int{}
	for i, network := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.2"} {
		came = append(came, all.add(network, func() { ended = append(ended, i) }))
	}
	if len(ended) != 1 || ended[0] != 0 {
		t.Errorf("%v have ended, want the first", ended)
	}
	for _, one := range came {
		one.leave()
	}
	if len(all.of) != 0 {
		t.Errorf("%v are left", all.of)
	}
}
