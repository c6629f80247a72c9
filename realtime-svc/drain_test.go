package realtime

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/chat"
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
	for _, c := range clients {
		if s := c.want(chat.Reconnect); s.AfterMS == nil || *s.AfterMS < 0 || *s.AfterMS > maxReconnect.Milliseconds() {
			t.Errorf("received %+v", s)
		}
		c.wantClose(endRestart.code)
	}
	draining.Wait()
	if took := time.Since(start); took < 9*retirePause {
		t.Errorf("ten sockets were closed within %v: not one after another", took)
	}
	status, code := g.refused(t, "?token=x", nil)
	if status != http.StatusServiceUnavailable || code != "stopping" {
		t.Errorf("a new socket is refused with %d %q", status, code)
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
	app, err := New(t.Context(), Config{Drain: time.Minute}, Deps{Env: env})
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
