package realtime

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/chat"
)

// Without a bound the system holds megabytes for a socket that takes nothing, and the gateway learns of it when the socket is minutes behind.
func TestASocketThatTakesNothingIsPutOutSoonAndDelaysNobody(t *testing.T) {
	const events, body = 800, 2 << 10 // 1.6 MB
	g := inMemory(t)
	g.create("c", "ada", "bob")
	small := websocket.Dialer{NetDialContext: dialWithBuffer(4 << 10)}
	ws, _, err := small.DialContext(t.Context(), g.ws()+"?token="+url.QueryEscape(g.issuer.Token(t, "ada", time.Hour)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	stuck, fast := &client{t: t, ws: ws}, g.as(t, "bob")
	stuck.join("c")
	fast.join("c")
	for rev := range int64(events) {
		g.announce(g.store("c", "ada", strings.Repeat("x", body)))
		fast.wantRevs(rev+1, rev+1)
	}
	s := stuck.next()
	for ; s.Type == chat.MessageCreated; s = stuck.next() {
	}
	if s.Type != chat.Resync || s.Live == nil || *s.Live || s.Rev == 0 || s.Rev > events/2 {
		t.Errorf("after what was under way it is told %+v, want a resync of the first half", s)
	}
}

// dialWithBuffer dials connections for which the system takes hardly more than so many bytes.
func dialWithBuffer(bytes int) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		refused := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, bytes) })
		return errors.Join(refused, err)
	}}
	return dialer.DialContext
}
