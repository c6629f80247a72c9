package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// A gate is a proxy that lets one request at a time through to FerretDB, over all its connections: FerretDB reads a
// document, changes it and writes it back without holding it, so that updates running beside each other are lost.
//
// A request has the gate from its first byte sent to FerretDB until the last byte of the reply is read. Both are whole in
// memory then, so a client that is slow or gone holds nobody up. FerretDB always answers with one message: it announces
// no topologyVersion, hence drivers never ask it for a stream of heartbeats, and it replies even where no reply is
// wanted. Only a getMore that awaits data would hold the gate, until its maxTimeMS; Confab sends none.
type gate struct {
	network, upstream string
	turn              sync.Locker

	mu     sync.Mutex
	closed bool
	open   map[io.Closer]struct{} // the listener and both ends of each relay
	held   sync.WaitGroup         // one for each of them
}

// errStreams reports a server that answers one request with several messages.
var errStreams = errors.New("the server streams its replies")

// newGate returns a gate to the server at upstream. If serial is false it only relays.
func newGate(network, upstream string, serial bool) *gate {
	g := &gate{network: network, upstream: upstream, turn: noTurn{}, open: map[io.Closer]struct{}{}}
	if serial {
		g.turn = new(sync.Mutex)
	}
	return g
}

// serve accepts clients until close, and then returns nil. Any other end of the listener is an error.
func (g *gate) serve(ctx context.Context, listener net.Listener) error {
	if !g.hold(listener) {
		return nil
	}
	defer g.release(listener)
	for {
		client, err := listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		if g.hold(client) {
			go g.relay(ctx, client)
		}
	}
}

// close ends the listener and every connection, and returns when no relay runs any more.
func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	for c := range g.open {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.held.Wait()
}

// relay passes messages between a client, which it releases, and its own connection to the server, until either ends.
func (g *gate) relay(ctx context.Context, client net.Conn) {
	defer g.release(client)
	server, err := new(net.Dialer).DialContext(ctx, g.network, g.upstream)
	if err != nil || !g.hold(server) {
		return
	}
	defer g.release(server)
	requests, replies := bufio.NewReader(client), bufio.NewReader(server)
	for {
		request, err := readMessage(requests)
		if err != nil {
			return
		}
		answered := request.flags()&flagMoreToCome == 0
		// With these the server may send no reply or many; without, it sends one.
		request.clearFlags(flagMoreToCome | flagExhaustAllowed)
		reply, err := g.exchange(server, replies, request)
		if err != nil {
			return
		}
		if !answered {
			continue
		}
		if _, err := client.Write(reply); err != nil {
			return
		}
	}
}

// exchange takes its turn, sends the request and returns the whole reply.
func (g *gate) exchange(server net.Conn, replies *bufio.Reader, request message) (message, error) {
	g.turn.Lock()
	defer g.turn.Unlock()
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	reply, err := readMessage(replies)
	if err == nil && reply.flags()&flagMoreToCome != 0 {
		return nil, errStreams
	}
	return reply, err
}

// hold keeps c for close, which closes it and waits for its release. After close it closes c at once and returns false.
func (g *gate) hold(c io.Closer) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		_ = c.Close()
		return false
	}
	g.open[c] = struct{}{}
	g.held.Add(1)
	return true
}

func (g *gate) release(c io.Closer) {
	_ = c.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, c)
	g.held.Done()
}

// noTurn is the lock of a gate that is not serial.
type noTurn struct{}

func (noTurn) Lock()   {}
func (noTurn) Unlock() {}
