package main

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// opener opens sockets, and counts the messages that come on them.
type opener struct {
	*confab
	protocol protocol
	received *atomic.Int64
	wanted   [][2]string // token and conversation, which may be empty
	mu       sync.Mutex
	conns    []*websocket.Conn
}

func (o *opener) add(token, room string) { o.wanted = append(o.wanted, [2]string{token, room}) }

// all returns once every socket is open and has joined.
func (o *opener) all() error {
	var group sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, openersAtOnce)
	for i := range errs {
		group.Go(func() {
			for n := next.Add(1) - 1; errs[i] == nil && n < int64(len(o.wanted)); n = next.Add(1) - 1 {
				errs[i] = o.open(o.wanted[n][0], o.wanted[n][1])
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// protocol is what a socket speaks.
type protocol string

const (
	native   protocol = "native"
	socketIO protocol = "Socket.IO" // over WebSocket from the beginning
)

func (o *opener) open(token, room string) error {
	conn, err := o.connect(token)
	if err != nil {
		return err
	}
	o.mu.Lock()
	o.conns = append(o.conns, conn)
	o.mu.Unlock()
	if err := o.enter(conn, room); err != nil {
		return err
	}
	go o.count(conn) // ends when the socket is closed
	return nil
}

func (o *opener) connect(token string) (*websocket.Conn, error) {
	path, header := "/v1/ws", http.Header{"Authorization": {"Bearer " + token}}
	if o.protocol == socketIO {
		path = "/socket.io/?EIO=4&transport=websocket"
	}
	dialer := websocket.Dialer{ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10, HandshakeTimeout: 10 * time.Second}
	conn, response, err := dialer.Dial("ws://"+o.address+path, header)
	if err == nil {
		_ = response.Body.Close()
	}
	return conn, err
}

// enter joins the conversation, if there is one.
func (o *opener) enter(conn *websocket.Conn, room string) error {
	join := `{"id":1,"type":"join","conversation":"` + room + `"}`
	if o.protocol == socketIO {
		join = `420["join",{"conversation":"` + room + `"}]`
		if err := errors.Join(say(conn, "40"), wait(conn, `40{"sid"`)); err != nil {
			return err
		}
	}
	if room == "" {
		return nil
	}
	return errors.Join(say(conn, join), wait(conn, `"joined"`))
}

func say(conn *websocket.Conn, text string) error {
	return conn.WriteMessage(websocket.TextMessage, []byte(text))
}

// wait answers the pings of Engine.IO until there is a frame with these words.
func wait(conn *websocket.Conn, what string) error {
	for {
		_, data, err := conn.ReadMessage()
		if err == nil && string(data) == "2" {
			err = say(conn, "3")
		}
		if err != nil || strings.Contains(string(data), what) {
			return err
		}
	}
}

func (o *opener) count(conn *websocket.Conn) {
	for wait(conn, `"message.created"`) == nil {
		o.received.Add(1)
	}
}

func (o *opener) close() {
	for _, conn := range o.conns {
		_ = conn.Close()
	}
}
