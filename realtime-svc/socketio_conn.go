package realtime

import (
	"cmp"
	"encoding/json"
	"errors"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/realtime-svc/engineio"
	"github.com/confab-chat/confab/realtime-svc/socketio"
)

// socketConn is a Socket.IO client. Engine.IO's requests and WebSockets read from it; run writes. Until it has connected, it costs its session of
// Engine.IO and nothing else.
type socketConn struct {
	engineio.Handler // that of package socketio
	hub              *hub
	engine           *engineio.Session
	info             *httpkit.Info    // of the handshake
	token            string           // of the handshake; empty: it brought none
	waits            *stranger        // until it is in the main namespace
	session          *session         // nil until the client is in the main namespace
	socket           *socketio.Socket // with session
	closed           chan struct{}    // with session: closed after the last command
	refusals         int
}

// run returns when the socket has ended.
func (c *socketConn) run() {
	c.writeFrames()
	c.engine.Close()
	<-c.closed
	c.hub.exit(c.session)
}

func (c *socketConn) writeFrames() {
	for {
		next, ended := c.session.out.take()
		switch {
		case ended != nil && ended.code >= noReturn:
			c.socket.Disconnect()
			return
		case ended != nil:
			return
		case next.data == nil:
			<-c.session.out.ready
			continue
		}
		c.hub.metrics.delivery(next)
		err := c.socket.SendText(next.data) // an error is of a session that has ended: Closed comes
		c.session.out.wrote(next)
		next.passage.written(err)
	}
}

// Closed ends the socket, after its last command.
func (c *socketConn) Closed(reason error) {
	if c.session == nil {
		c.waits.leave()
		c.Handler.Closed(reason)
		return
	}
	c.session.out.finish(endingOfSession(reason))
	c.Handler.Closed(reason)
	close(c.closed)
}

func endingOfSession(reason error) *ending {
	switch {
	case errors.Is(reason, engineio.ErrClient):
		return endClient
	case errors.Is(reason, engineio.ErrSilent):
		return endSilent
	case errors.Is(reason, engineio.ErrProtocol):
		return endProtocol
	default:
		return endLost
	}
}

// connect lets the client in by the token of its Connect, else by that of its handshake.
func (c *socketConn) connect(s *socketio.Socket, auth json.RawMessage) socketio.Handler {
	switch {
	case c.session != nil: // it has left: whoever comes back does so over a session of its own
		c.engine.Close()
		return nil
	case s.Namespace() != "/":
		c.refused(s, &socketio.Refusal{Message: "Invalid namespace"})
		return nil
	}
	session := c.hub.newSession(socketIO{s.Revision()}, c.info)
	if err := c.admit(session, auth); err != nil {
		session.stop()
		c.refuse(s, err)
		return nil
	}
	c.waits.leave()
	c.session, c.socket, c.closed = session, s, make(chan struct{})
	session.abandon = c.engine.Close
	s.Accept()
	if !c.hub.serve(session, c.run) {
		session.out.finish(endRestart)
		c.hub.exit(session)
		c.engine.Close() // the drain began this moment: the client connects again
	}
	return commands{session, s.Revision()}
}

// admit lets the user in whose token came, or a stranger where the operator wants that.
func (c *socketConn) admit(s *session, auth json.RawMessage) error {
	var given struct{ Token string }
	_ = json.Unmarshal(auth, &given) // what has no token is as nothing
	token := cmp.Or(given.Token, c.token)
	switch {
	case token != "":
		who, err := c.hub.users.Verify(s.ctx, bare(token))
		if err != nil {
			return err
		}
		return c.hub.enter(s, who)
	case c.hub.tokenless:
		s.stay()
		return nil
	default:
		return errNoToken
	}
}

var errNoToken = fault.New(fault.Unauthenticated, "no_token", "Connect with a token: in the auth payload, the Authorization header, the query or the cookie.")

// refuse tells the client why. Where it is to try again its connection is closed, which is what clients do so after.
func (c *socketConn) refuse(s *socketio.Socket, err error) {
	end := endingOf(err)
	c.hub.metrics.closes.WithLabelValues(end.reason).Inc()
	if end == endUnavailable {
		c.engine.Close()
		return
	}
	f := fault.From(err)
	c.refused(s, &socketio.Refusal{Message: f.Code, Data: problemOf(f)})
}

// refused ends a client that does not take no for an answer: each costs a token's verification.
func (c *socketConn) refused(s *socketio.Socket, r *socketio.Refusal) {
	s.Refuse(r)
	if c.refusals++; c.refusals == maxRefusals {
		c.engine.Close()
	}
}

// commands has the session carry out what a client asks for.
type commands struct {
	session  *session
	revision int
}

func (c commands) Event(p *socketio.Packet) {
	if p.Type == socketio.Event && c.session.out.ending() == nil {
		c.session.do(decodeSocketIO(p, c.revision))
	}
}

func (c commands) Disconnected() { c.session.out.finish(endClient) }
