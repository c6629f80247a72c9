package realtime

import (
	"errors"
	"io"
	"net"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// conn is a native socket: one goroutine reads, one writes.
type conn struct {
	ws      *websocket.Conn
	session *session
	read    chan struct{} // closed when nothing more is read
}

// sendBuffer is how many bytes the system may hold for a socket, besides what waits in its queue (Linux doubles it). The system's own bound is some megabytes: a
// socket that takes little would be far behind before its queue told, and thousands of them would use up the machine's memory.
const sendBuffer = 64 << 10

func newConn(ws *websocket.Conn, s *session) *conn {
	if tcp, ok := ws.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // else it is as large as the system wants
	}
	return &conn{ws: ws, session: s, read: make(chan struct{})}
}

// run returns when the socket has ended and its goroutines have, too.
func (c *conn) run() {
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.writeFrames()
	}()
	c.readFrames()
	close(c.read)
	<-written
	c.session.hub.exit(c.session)
}

func (c *conn) readFrames() {
	if err := c.enter(); err != nil {
		c.session.out.finish(endingOf(err))
		c.drop()
		return
	}
	c.ws.SetReadLimit(maxFrame)
	c.ws.SetPongHandler(func(string) error { c.heard(); return nil })
	answer := c.ws.PingHandler()
	c.ws.SetPingHandler(func(data string) error { c.heard(); return answer(data) })
	for {
		c.heard()
		kind, data, err := c.ws.ReadMessage()
		if err != nil {
			c.session.out.finish(endingOfRead(err))
			if errors.Is(err, websocket.ErrReadLimit) {
				c.drop()
			}
			return
		}
		switch {
		case c.session.out.ending() != nil: // it is on its way out: what comes now goes unread
		case kind != websocket.TextMessage:
			c.session.out.finish(endBinary)
		case !utf8.Valid(data):
			c.session.out.finish(endNotUTF8)
		default:
			c.session.do(decodeNative(data))
		}
	}
}

// enter lets the user in whose token came with the request.
func (c *conn) enter() error {
	who := c.session.identity()
	if who.UserID == "" {
		return nil
	}
	return c.session.hub.enter(c.session, who)
}

// heard gives the client pongWait more, unless the socket has ended.
func (c *conn) heard() {
	if c.session.out.ending() == nil {
		_ = c.ws.SetReadDeadline(time.Now().Add(pongWait)) // a broken connection shows in the read
	}
}

// drop reads what the client still sends, for a moment: closing a connection with unread data would destroy the close frame on its way.
func (c *conn) drop() {
	raw := c.ws.NetConn()
	_ = raw.SetReadDeadline(time.Now().Add(closeWait)) // then there is nothing to read
	_, _ = io.Copy(io.Discard, io.LimitReader(raw, 8*maxFrame))
}

func endingOfRead(err error) *ending {
	var timeout net.Error
	switch {
	case errors.Is(err, websocket.ErrReadLimit):
		return endTooBig
	case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
		return endClient
	case errors.As(err, &timeout) && timeout.Timeout():
		return endSilent
	default:
		return endLost
	}
}

func (c *conn) writeFrames() {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	defer c.ws.Close()
	for {
		next, ended := c.session.out.take()
		var err error
		switch {
		case ended != nil:
			c.writeClose(ended)
			return
		case next.data != nil:
			err = c.write(next)
		default:
			select {
			case <-c.session.out.ready:
				continue
			case <-ping.C:
				err = c.ping()
			}
		}
		if err != nil {
			c.session.out.finish(endLost)
			return
		}
		select {
		case <-ping.C:
			_ = c.ping() // an error comes again with the next frame
		default:
		}
	}
}

func (c *conn) write(f frame) error {
	defer c.session.out.wrote(f)
	_ = c.ws.SetWriteDeadline(time.Now().Add(writeWait)) // never fails
	c.session.hub.metrics.delivery(f)
	err := c.ws.WriteMessage(websocket.TextMessage, f.data)
	f.passage.written(err)
	return err
}

func (c *conn) ping() error {
	return c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait))
}

// writeClose says goodbye and gives the client a moment to say so too.
func (c *conn) writeClose(e *ending) {
	if e == endLost {
		return
	}
	goodbye := websocket.FormatCloseMessage(e.code, e.reason)
	err := c.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(closeWait))
	if err != nil && !errors.Is(err, websocket.ErrCloseSent) {
		return
	}
	select {
	case <-c.read:
	case <-time.After(closeWait):
	}
}
