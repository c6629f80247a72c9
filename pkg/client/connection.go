package client

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Bounds of a connection.
const (
	silence   = 45 * time.Second       // without a frame or ping the server is gone: it pings every 25 s
	writeWait = 10 * time.Second       // for one frame
	restart   = 500 * time.Millisecond // within which to come back to a server that restarts and does not say when
	maxFrame  = 1 << 20                // bytes: eight times what the server sends
)

// connection is a WebSocket. All but its first three fields are guarded by the Socket's lock.
type connection struct {
	number int
	ws     *websocket.Conn
	done   chan struct{} // closed when it is no longer the Socket's

	token     string                // the one it sent last
	userID    string                // empty until the server has taken the token
	since     time.Time             // when that was
	lastID    int64                 // of a command
	answers   map[int64]func(frame) // what to do with the answers that are awaited, the lock held
	outbox    [][]byte              // commands that wait to be written
	wake      chan struct{}         // holds a value while commands may wait
	leaving   map[string]bool       // conversations whose leave is not done; until then their events are of the past
	rejoining int                   // conversations joined on connecting whose answer is awaited
	window    time.Duration         // within which the server wants the client back
}

func newConnection(number int, ws *websocket.Conn, token string) *connection {
	return &connection{
		number: number, ws: ws, done: make(chan struct{}), token: token, answers: map[int64]func(frame){},
		wake: make(chan struct{}, 1), leaving: map[string]bool{}, window: restart,
	}
}

// dial opens a WebSocket. It returns an *Error with the HTTP status where the server refuses.
func (c *Client) dial(ctx context.Context) (*websocket.Conn, error) {
	header := http.Header{"User-Agent": {c.userAgent}}
	ws, response, err := c.dialer.DialContext(ctx, "ws"+strings.TrimPrefix(c.base, "http")+"/v1/ws", header)
	switch {
	case err == nil:
		ws.SetReadLimit(maxFrame)
		return ws, nil
	case response == nil || !errors.Is(err, websocket.ErrBadHandshake):
		return nil, connectionError(err)
	}
	defer response.Body.Close()
	start := make([]byte, 1<<10) // all that the dialer keeps
	n, _ := response.Body.Read(start)
	return nil, problem(response.StatusCode, response.Header, start[:n])
}

// say has a command written. Where an answer is awaited, answered gets it, with the Socket's lock held.
func (c *connection) say(cmd command, answered func(frame)) {
	if answered != nil {
		c.lastID++
		cmd.ID = c.lastID
		c.answers[cmd.ID] = answered
	}
	c.outbox = append(c.outbox, cmd.encode())
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write writes one frame.
func (c *connection) write(data []byte) error {
	_ = c.ws.SetWriteDeadline(time.Now().Add(writeWait)) // never fails
	return c.ws.WriteMessage(websocket.TextMessage, data)
}

// heard gives the server time to say more.
func (c *connection) heard() {
	_ = c.ws.SetReadDeadline(time.Now().Add(silence)) // a broken connection shows in the read
}

// answerPings makes the server's pings count as a sign of life.
func (c *connection) answerPings() {
	c.ws.SetPingHandler(func(data string) error {
		c.heard()
		_ = c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeWait)) // a broken connection shows in the read
		return nil
	})
}

// goodbye ends the connection from this side.
func (c *connection) goodbye() {
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = c.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(100*time.Millisecond)) // a courtesy
	_ = c.ws.Close()
}

// readError tells how the server ended the connection: an *Error with its close code, or that it is lost.
func readError(err error) error {
	closed, ok := errors.AsType[*websocket.CloseError](err)
	if !ok || closed.Code == websocket.CloseAbnormalClosure {
		return &lostError{err}
	}
	code := closed.Text
	if code == "" {
		code = "closed"
	}
	return &Error{Status: closed.Code, Code: code, Detail: "The server closed the socket."}
}
