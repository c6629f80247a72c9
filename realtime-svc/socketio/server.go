package socketio

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"sync"
	"time"

	"github.com/confab-chat/confab/realtime-svc/engineio"
)

// Config bounds what a client may do.
type Config struct {
	ConnectTimeout time.Duration // from a session's begin to its first Connect; zero: 45 s, as is usual
	Limits         Limits        // of each packet
	Namespaces     int           // that one client may be connected to at once; zero: 1
}

// Connector lets a client into a namespace, by Accept, and returns who hears it, or turns it away, by Refuse, and returns nil. auth is the client's, nil
// where there is none. A client of revision 4 cannot take anything before it returns: what it sends must fit the session's MaxBuffer.
type Connector func(s *Socket, auth json.RawMessage) Handler

// Handler hears what comes from one socket, one thing at a time.
type Handler interface {
	// Event is called with an Event or an Ack.
	Event(p *Packet)
	// Disconnected is called once, at last.
	Disconnected()
}

// Serve returns who hears an Engine.IO session that speaks Socket.IO.
func Serve(session *engineio.Session, c Config, connect Connector) engineio.Handler {
	conn := &connection{connector: connect, session: session, decoder: Decoder{Limits: c.Limits}, most: cmp.Or(c.Namespaces, 1), sockets: map[string]*Socket{}}
	conn.timer = time.AfterFunc(cmp.Or(c.ConnectTimeout, 45*time.Second), conn.close)
	if session.Revision() == 3 { // clients of revision 4 are connected to the main namespace without a word
		conn.connect(&Packet{Namespace: "/"})
	}
	return conn
}

// connection is a client, with its sockets by namespace.
type connection struct {
	connector Connector
	session   *engineio.Session
	decoder   Decoder
	timer     *time.Timer // until the first Connect
	most      int         // sockets
	sockets   map[string]*Socket
	sending   sync.Mutex // keeps a packet and its attachments together
}

// Message takes a part of a packet.
func (c *connection) Message(m engineio.Message) {
	read := c.decoder.Text
	if m.Binary {
		read = c.decoder.Binary
	}
	p, err := read(m.Data)
	if err == nil && p != nil {
		err = c.take(p)
	}
	if err != nil {
		c.close()
	}
}

func (c *connection) take(p *Packet) error {
	socket := c.sockets[p.Namespace]
	switch {
	case p.Type == Connect && socket != nil:
		return broken("the client is connected to the namespace")
	case p.Type == Connect:
		c.connect(p)
	case socket == nil:
		return broken("the namespace is not one of the client's")
	case p.Type == Disconnect:
		c.forget(socket)
	default:
		socket.handler.Event(p)
	}
	return nil
}

func (c *connection) connect(p *Packet) {
	s := &Socket{connection: c, namespace: p.Namespace, id: rand.Text()}
	if len(c.sockets) == c.most {
		s.Refuse(&Refusal{Message: "Too many namespaces"})
		return
	}
	if s.handler = c.connector(s, p.Data); s.handler != nil {
		c.timer.Stop()
		c.sockets[p.Namespace] = s
	}
}

func (c *connection) forget(s *Socket) {
	delete(c.sockets, s.namespace)
	s.handler.Disconnected()
}

// Closed ends all sockets.
func (c *connection) Closed(error) {
	c.timer.Stop()
	for _, s := range c.sockets {
		c.forget(s)
	}
}

func (c *connection) close() { c.session.Close() }
