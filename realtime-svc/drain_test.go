package realtime

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/drain"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

func TestADrainAsksEachSocketToReconnectAndClosesIt(t *testing.T) {
	g := inMemory(t)
	var clients []*client
	for range 10 {
		c := g.as(t, "ada")
		c.wantNothing()
		clients = append(clients, c)
	}
	start := time.Now()
	var draining sync.WaitGroup
	draining.Go(func() { g.app.hub.drain(t.Context(), time.Second) })
	clients = append(clients, g.as(t, "bob")) // the balancer does not know yet
	for _, c := range clients {
		if s := c.want(chat.Reconnect); s.AfterMS == nil || *s.AfterMS < 0 || *s.AfterMS > maxReconnect.Milliseconds() {
			t.Errorf("received %+v", s)
		}
		c.wantClose(endRestart.code)
	}
	draining.Wait()
	if took := time.Since(start); took < time.Second/4+10*drain.EndPause {
		t.Errorf("eleven sockets were closed within %v: not one after another behind the first quarter", took)
	}
	status, code := g.refused(t, "?token=x", nil)
	if status != http.StatusServiceUnavailable || code != "stopping" {
		t.Errorf("a new socket is refused with %d %q", status, code)
	}
}

// A timer waits for about a millisecond at least, whatever it is asked for: this many pauses of 0.1 ms would take 3 s longer.
func TestADrainOfManySocketsKeepsItsWindow(t *testing.T) {
	const window, sockets = 400 * time.Millisecond, 3000
	h := &hub{ctx: t.Context(), sessions: map[*session]struct{}{}}
	for range sockets {
		s := h.newSession(native{}, &httpkit.Info{})
		t.Cleanup(s.stop)
		h.sessions[s] = struct{}{}
	}
	start := time.Now()
	h.drain(t.Context(), window)
	if took := time.Since(start); took < window-window/100 || took > 4*window {
		t.Errorf("it took %v, want %v", took, window)
	}
}

func TestADrainWithoutSocketsEndsAtOnce(t *testing.T) {
	g := inMemory(t)
	start := time.Now()
	g.app.Drain(t.Context())
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestTheProgramDrainsBeforeItStops(t *testing.T) {
	g := inMemory(t)
	env := servertest.Env(t, &peer.Peers{Auth: g.issuer, Conversations: g.world, Messages: g.world})
	app, err := New(t.Context(), Config{Drain: time.Second}, env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served, address := make(chan error, 1), make(chan net.Addr, 1)
	go func() {
		c := &server.Config{HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0"}
		err := server.Serve(ctx, c, app, prometheus.NewRegistry(), env.Log, func(public net.Addr) { address <- public })
		served <- errors.Join(err, app.Close())
	}()
	http := "http://" + (<-address).String()
	eventually(t, "the app is ready", func() bool { return app.Ready(ctx) == nil })
	c := (&gateway{world: g.world, app: app, issuer: g.issuer, http: http}).as(t, "ada")
	c.wantNothing()
	stop()
	c.want(chat.Reconnect)
	c.wantClose(endRestart.code)
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestCommandsThatWereReadAreAnsweredBeforeADrainClosesTheSocket(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	sending, carryOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	g.onSend = func(string) {
		once.Do(func() { close(sending) })
		<-carryOn
	}
	c := g.as(t, "ada")
	c.send(`{"id":1,"type":"send","conversation":"c","body":"one"}`)
	c.send(`{"id":2,"type":"send","conversation":"c","body":"two"}`)
	<-sending
	eventually(t, "both frames are read", func() bool {
		s := g.app.hub.all()[0]
		s.lanes.mu.Lock()
		defer s.lanes.mu.Unlock()
		return s.lanes.pending == 2
	})
	var draining sync.WaitGroup
	draining.Go(func() { g.app.hub.drain(t.Context(), 0) })
	eventually(t, "the drain began", g.app.hub.isDraining)
	close(carryOn)
	for id := int64(1); id <= 2; id++ {
		if s := c.want("reply"); *s.ID != id || s.Message == nil {
			t.Errorf("received %+v", s)
		}
	}
	c.want(chat.Reconnect)
	c.wantClose(endRestart.code)
	draining.Wait()
}

func TestASocketThatIsLostLetsItsSendEnd(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	sending, carryOn := make(chan struct{}), make(chan struct{})
	g.onSend = func(string) {
		close(sending)
		<-carryOn
	}
	c := g.as(t, "ada")
	c.send(`{"id":1,"type":"send","conversation":"c","body":"one"}`)
	<-sending
	_ = c.ws.NetConn().Close()
	close(carryOn)
	eventually(t, "the message is stored", func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.sentBy["c"]) == 1
	})
}

func TestACommandOfASocketThatIsOnItsWayOutIsToBeSentAgain(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	sending, carryOn := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(carryOn) })
	defer release()
	g.onSend = func(string) {
		close(sending)
		<-carryOn
	}
	c := g.as(t, "ada")
	c.send(`{"id":1,"type":"send","conversation":"c","body":"one"}`)
	<-sending
	var retiring sync.WaitGroup
	s := g.app.hub.all()[0]
	retiring.Go(func() { s.retire(t.Context(), endRestart) })
	eventually(t, "the lanes are closed", func() bool {
		s.lanes.mu.Lock()
		defer s.lanes.mu.Unlock()
		return s.lanes.closed
	})
	c.send(`{"id":2,"type":"send","conversation":"c","body":"two"}`)
	if s := c.wantCode("stopping"); *s.ID != 2 || s.RetryAfterMS == 0 {
		t.Errorf("received %+v", s)
	}
	release()
	c.want("reply")
	c.want(chat.Reconnect)
	c.wantClose(endRestart.code)
	retiring.Wait()
}

func TestAnOldSocketIsAskedToReconnect(t *testing.T) {
	g := startWith(t, newWorld(t, broker.NewMemory()), Config{MaxConnectionAge: 20 * time.Millisecond})
	c := g.as(t, "ada")
	c.want(chat.Reconnect)
	c.wantClose(endOfAge.code)
}

func TestSocketsReachTheirAgeAtDifferentTimes(t *testing.T) {
	h := &hub{maxAge: time.Hour, ctx: t.Context()}
	first, last := time.Now().Add(24*time.Hour), time.Time{}
	for range 1000 {
		s := h.newSession(nil, &httpkit.Info{})
		s.stop()
		if s.old.Before(first) {
			first = s.old
		}
		if s.old.After(last) {
			last = s.old
		}
	}
	now := time.Now()
	if first.Sub(now) < 53*time.Minute || first.Sub(now) > 56*time.Minute || last.Sub(now) < 64*time.Minute || last.Sub(now) > 66*time.Minute {
		t.Errorf("between %v and %v, want an hour give or take a tenth", first.Sub(now), last.Sub(now))
	}
}

func TestTooManySocketsAtOnceAreAskedToComeAgain(t *testing.T) {
	g := startWith(t, newWorld(t, broker.NewMemory()), Config{ConnectRate: 1})
	response := servertest.Call(t, "GET", g.http+"/v1/ws", g.issuer.Token(t, "ada", time.Hour), nil)
	servertest.Want[servertest.Problem](t, 400, response) // no handshake: it does not count
	eventually(t, "one is refused", func() bool {
		status, problem := g.handshake(t)
		return status == http.StatusServiceUnavailable && problem.Code == "too_many_handshakes"
	})
	eventually(t, "one may open after a second", func() bool {
		status, _ := g.handshake(t)
		return status == http.StatusSwitchingProtocols
	})
}

// handshake returns its status, and the problem if it is refused. It closes the socket.
func (g *gateway) handshake(t *testing.T) (status int, problem servertest.Problem) {
	t.Helper()
	ws, response, err := websocket.DefaultDialer.DialContext(t.Context(), g.ws(), nil)
	if response == nil {
		t.Fatal(err)
	}
	if err == nil {
		_ = ws.Close()
	}
	defer response.Body.Close()
	if err == nil {
		return response.StatusCode, problem
	}
	if err := json.NewDecoder(response.Body).Decode(&problem); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, problem
}
