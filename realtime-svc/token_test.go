package realtime

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// serve serves an app that does not run.
func serve(t *testing.T, app *App) string {
	t.Helper()
	s := httptest.NewServer(app.Public())
	t.Cleanup(func() {
		app.hub.drain(t.Context(), 0)
		s.Close()
	})
	return s.URL
}

func (c *client) auth(token string) {
	c.t.Helper()
	c.send(`{"id":5,"type":"auth","token":"` + token + `"}`)
}

func TestASocketEndsWhenItsTokenExpires(t *testing.T) {
	g := inMemory(t)
	c := g.dial(t, "?token="+g.issuer.Token(t, "ada", 2*time.Second), nil)
	c.wantNothing()
	c.wantClose(endTokenExpired.code)
}

func TestASocketIsRenewedInBand(t *testing.T) {
	g := inMemory(t)
	c := g.dial(t, "?token="+g.issuer.Token(t, "ada", 2*time.Second), nil)
	c.wantNothing()
	c.auth("wrong")
	c.wantCode("token_refused")
	c.auth(g.issuer.Token(t, "bob", time.Hour))
	c.wantCode("other_user")
	c.auth("JWT " + g.issuer.Token(t, "ada", time.Hour))
	if s := c.want("reply"); s.Session.UserID != "ada" || time.Until(s.Session.ExpiresAt.Time) < time.Minute {
		t.Errorf("received %+v", s)
	}
	for _, s := range g.app.hub.all() {
		s.sweep(time.Now().Add(30 * time.Minute))
	}
	c.wantNothing()
	for _, s := range g.app.hub.all() {
		s.sweep(time.Now().Add(2 * time.Hour))
	}
	c.wantClose(endTokenExpired.code)
}

func TestASocketWithoutATokenEndsAfterAWhile(t *testing.T) {
	g := inMemory(t)
	c := g.dial(t, "", nil)
	c.send(`{"id":1,"type":"ping"}`)
	c.wantCode("unauthenticated")
	for _, s := range g.app.hub.all() {
		s.sweep(time.Now().Add(authWait - time.Second))
	}
	c.send(`{"id":1,"type":"ping"}`)
	c.wantCode("unauthenticated")
	for _, s := range g.app.hub.all() {
		s.sweep(time.Now().Add(authWait))
	}
	c.wantClose(endNoToken.code)
}

func TestAnEndedSessionEndsItsSocketsAtOnce(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		c := g.as(t, "ada")
		c.wantNothing()
		g.publish(chat.UserChannel("ada"), chat.SessionEvent{Type: chat.SessionEnded, SessionID: "another", UserID: "ada"})
		c.wantNothing()
		g.publish(chat.UserChannel("ada"), chat.SessionEvent{Type: chat.SessionEnded, SessionID: "sid-ada", UserID: "ada"})
		c.wantClose(endSession.code)
	})
}

func TestAnEndedSessionThatNobodyToldOfIsFound(t *testing.T) {
	g := inMemory(t)
	c, bob := g.as(t, "ada"), g.as(t, "bob")
	c.wantNothing()
	g.issuer.Revoke("ada") // the verifier pulls it within 5 s
	c.wantClose(endSession.code)
	bob.wantNothing()
	if status := g.dial(t, "?token="+g.issuer.Token(t, "ada", time.Hour), nil); status != nil {
		status.wantClose(endRefused.code)
	}
}

func TestAUserHasABoundedNumberOfSockets(t *testing.T) {
	g := inMemory(t)
	var open []*client
	for range maxUserSockets {
		c := g.as(t, "ada")
		c.wantNothing()
		open = append(open, c)
	}
	g.as(t, "ada").wantClose(endTooManyOpen.code)
	late := g.dial(t, "", nil)
	late.auth(g.issuer.Token(t, "ada", time.Hour))
	late.wantCode("too_many_sockets")
	late.wantClose(endTooManyOpen.code)
	g.as(t, "bob").wantNothing()
	_ = open[0].ws.Close()
	eventually(t, "a place is free", func() bool { return len(g.app.hub.all()) < maxUserSockets+1 })
	g.as(t, "ada").wantNothing()
	open[1].wantNothing()
}
