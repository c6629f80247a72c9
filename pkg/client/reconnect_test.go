package client_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

func TestPausesBetweenTriesGrowAndAreSpread(t *testing.T) {
	longest, early := make([]time.Duration, 9), 0
	const runs = 100
	for range runs {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t)
			s.breakDials(errors.New("no route to host"))
			r := run(t, s.newClient(), nil)
			time.Sleep(2 * time.Minute)
			synctest.Wait()
			changes := all[client.Connection](r)
			if len(changes) < len(longest)+1 {
				t.Fatalf("%d tries in two minutes", len(changes))
			}
			for i := range longest {
				pause := changes[i+1].At.Sub(changes[i].At)
				longest[i] = max(longest[i], pause)
				if limit := min(10*time.Second, 100*time.Millisecond<<i); pause > limit {
					t.Fatalf("pause %d took %v, want at most %v", i, pause, limit)
				} else if pause < limit/2 {
					early++
				}
			}
		})
	}
	for i, pause := range longest {
		if limit := min(10*time.Second, 100*time.Millisecond<<i); pause < limit*3/4 {
			t.Errorf("pause %d never took longer than %v of %v", i, pause, limit)
		}
	}
	if share := float64(early) / float64(runs*len(longest)); share < 0.4 || share > 0.6 {
		t.Errorf("%.2f of the pauses are in the first half of their range", share)
	}
}

func TestALongConnectionMakesTheNextPauseShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		run(t, s.newClient(), nil)
		for range 50 {
			ws, waited := s.accept()
			if waited > 100*time.Millisecond {
				t.Fatalf("back after %v", waited)
			}
			ws.enter()
			time.Sleep(11 * time.Second)
			_ = ws.ws.Close()
			synctest.Wait()
		}
	})
}

func TestAServerThatDropsEachConnectionIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		run(t, s.newClient(), nil)
		start := time.Now()
		for range 40 {
			ws, _ := s.accept()
			ws.enter()
			_ = ws.ws.Close()
		}
		if took := time.Since(start); took < time.Minute {
			t.Fatalf("40 connections within %v", took)
		}
	})
}

func TestARestartingServerSaysWhenToComeBack(t *testing.T) {
	for name, test := range map[string]struct {
		frame string
		limit time.Duration
	}{
		"within what it says":              {`{"type":"reconnect","after_ms":200}`, 200 * time.Millisecond},
		"at once":                          {`{"type":"reconnect","after_ms":0}`, 0},
		"within half a second by default":  {"", 500 * time.Millisecond},
		"at once where the time is absurd": {`{"type":"reconnect","after_ms":-5}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				run(t, s.newClient(), nil)
				longest, shortest := time.Duration(0), test.limit
				for i := range 40 {
					ws, waited := s.accept()
					if longest = max(longest, waited); waited > test.limit {
						t.Fatalf("back after %v", waited)
					}
					if i > 0 { // the first one has nothing to wait for
						shortest = min(shortest, waited)
					}
					ws.enter()
					if test.frame != "" {
						ws.say("%s", test.frame)
					}
					ws.close(1012, "restart")
					synctest.Wait()
				}
				if longest < test.limit/2 || shortest > test.limit/2 {
					t.Fatalf("back after %v to %v", shortest, longest)
				}
			})
		})
	}
}

func TestAReplicaThatRefusesIsTriedAgainQuicklyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		full := answer(503, `{"code":"stopping"}`, "Retry-After", "5")
		s.refuseNext(slices.Repeat([]http.HandlerFunc{full}, 3)...)
		run(t, s.newClient(), nil)
		ws, _ := s.accept()
		ws.enter()
		s.refuseNext(full)
		_ = ws.ws.Close()
		if _, waited := s.accept(); waited > time.Second {
			t.Fatalf("refused anew, it came back after %v", waited)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		first, second, third := s.dials[1].Sub(s.dials[0]), s.dials[2].Sub(s.dials[1]), s.dials[3].Sub(s.dials[2])
		if first > 100*time.Millisecond || second < 5*time.Second || third < 5*time.Second || third > 6*time.Second {
			t.Fatalf("tried again after %v, %v and %v", first, second, third)
		}
	})
}

func TestCloseCodesSayWhetherToComeBack(t *testing.T) {
	for name, test := range map[string]struct {
		code int
		back bool
	}{
		"a frame of the wrong kind": {1003, false},
		"invalid UTF-8":             {1007, false},
		"a frame too big":           {1009, false},
		"normal closure":            {1000, true},
		"going away":                {1001, true},
		"restart":                   {1012, true},
		"try again later":           {1013, true},
		"too slow":                  {4408, true},
		"no pong":                   {4409, true},
		"too many commands":         {4429, true},
		"too many sockets":          {4430, true},
		"an unknown passing one":    {4499, true},
		"session ended":             {4501, false},
		"token refused":             {4503, false},
		"an unknown final one":      {4999, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				r := run(t, s.newClient(), nil)
				r.Join("c1", 0)
				ws, _ := s.accept()
				ws.enter()
				ws.joins(1, 1)
				ws.close(test.code, "why")
				if test.back {
					ws, _ = s.accept()
					ws.enter()
					ws.joins(2, 2)
					requireRevs(t, r, []int64{1, 2})
					return
				}
				err, ok := errors.AsType[*client.Error](r.end())
				if !ok || err.Status != test.code || err.Code != "why" {
					t.Fatalf("Run returned %v", err)
				}
				requireRevs(t, r, []int64{1})
				r.start() // again: it goes on where it was
				ws, _ = s.accept()
				ws.enter()
				ws.joins(2, 2)
				requireRevs(t, r, []int64{1, 2})
			})
		})
	}
}

func TestAClientThatSaidTooMuchComesBackMoreSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		run(t, s.newClient(), nil)
		var waited time.Duration
		for range 30 {
			ws, pause := s.accept()
			waited += pause
			ws.enter()
			time.Sleep(11 * time.Second)
			ws.close(4429, "too_many_commands")
			synctest.Wait()
		}
		if waited < 20*time.Second {
			t.Fatalf("30 pauses took %v", waited)
		}
	})
}

func TestHandshakesThatNoTryMakesRightEndRun(t *testing.T) {
	for name, test := range map[string]struct {
		refusal http.HandlerFunc
		code    string
		back    bool
	}{
		"another path":          {answer(404, `{"code":"no_such_route"}`), "no_such_route", false},
		"an origin":             {answer(403, `{"code":"origin_not_allowed"}`), "origin_not_allowed", false},
		"something else at all": {answer(400, "<html>"), "unexpected_answer", false},
		"too many":              {answer(429, `{"code":"rate_limited"}`), "", true},
		"a proxy":               {answer(502, "<html>"), "", true},
		"a fault":               {answer(500, `{"code":"internal"}`), "", true},
		"a dropped connection":  {hangUp, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				s.refuseNext(test.refusal)
				r := run(t, s.newClient(), nil)
				if test.back {
					ws, _ := s.accept()
					ws.enter()
				} else if err := r.end(); code(err) != test.code {
					t.Fatalf("Run returned %v", err)
				}
			})
		})
	}
}

func TestASilentServerIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		run(t, s.newClient(), nil)
		ws, _ := s.accept()
		ws.enter()
		var pongs atomic.Int64
		ws.ws.SetPongHandler(func(string) error { pongs.Add(1); return nil })
		_ = ws.ws.SetReadDeadline(time.Time{})
		go func() { _, _, _ = ws.ws.ReadMessage() }()
		for range 10 { // pings are enough
			time.Sleep(40 * time.Second)
			_ = ws.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		}
		for range 10 { // and so are frames
			time.Sleep(40 * time.Second)
			ws.say(`{"type":"something.new"}`)
		}
		if len(s.sockets) > 0 {
			t.Fatal("a second socket came while the server said something")
		}
		if _, waited := s.accept(); waited < 45*time.Second || waited > 46*time.Second {
			t.Fatalf("the next socket came after %v of silence", waited)
		}
		if pongs.Load() != 10 {
			t.Fatalf("%d pongs", pongs.Load())
		}
	})
}

func TestNonsenseFromTheServerIsALostConnection(t *testing.T) {
	for _, nonsense := range []string{`{`, `[]`, `{}`, `{"type":"message.created","conversation_id":"c1","rev":2}`, `{"type":"resync","rev":1}`} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t)
			r := run(t, s.newClient(), nil)
			r.Join("c1", 0)
			ws, _ := s.accept()
			ws.enter()
			ws.joins(1, 1)
			ws.say("%s", nonsense)
			ws, _ = s.accept()
			ws.enter()
			ws.joins(2, 2)
			requireRevs(t, r, []int64{1, 2})
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		ws, _ := s.accept()
		ws.enter()
		synctest.Wait()
		if err := r.Run(t.Context()); err == nil {
			t.Fatal("it ran twice at a time")
		}
		r.cancel()
		_, _, err := ws.ws.ReadMessage()
		if err := r.end(); !errors.Is(err, context.Canceled) {
			t.Fatalf("Run returned %v", err)
		}
		if !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			t.Fatalf("the server heard %v, want a goodbye", err)
		}
	})
}

func TestTheLastCloseIsToldBehindWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), func(v any) {
			if _, ok := v.(chat.Event); ok {
				time.Sleep(time.Second)
			}
		})
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(3, revs(1, 3)...)
		synctest.Wait()
		r.cancel()
		if err := r.end(); !errors.Is(err, context.Canceled) {
			t.Fatalf("Run returned %v", err)
		}
		requireRevs(t, r, revs(1, 3))
		last, ok := r.heard[len(r.heard)-1].(client.Connection)
		if !ok || last.Number != 1 || last.State != client.Closed || !errors.Is(last.Err, context.Canceled) {
			t.Fatalf("heard %+v last, want that the connection was closed by the context", r.heard[len(r.heard)-1])
		}
	})
}

func TestRunEndsWhereItsDeadlineComesBeforeTheNextTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		full := answer(503, `{"code":"stopping"}`, "Retry-After", "20")
		s.refuseNext(slices.Repeat([]http.HandlerFunc{full}, 2)...)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.newClient().Socket(client.SocketOptions{}).Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Run returned %v", err)
		}
	})
}
