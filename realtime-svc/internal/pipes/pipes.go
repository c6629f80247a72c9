// Package pipes lets tests run a server in a bubble of testing/synctest, in whose time half a minute takes none.
package pipes

import (
	"context"
	"net"
	"sync"
)

// Listener is without a network: its connections wait on channels alone.
type Listener struct {
	arriving chan net.Conn
	closed   chan struct{}
	closing  sync.Once

	mu   sync.Mutex
	open []net.Conn
}

// Listen returns a listener that is of the bubble in which it is called.
func Listen() *Listener { return &Listener{arriving: make(chan net.Conn), closed: make(chan struct{})} }

// Accept returns net.ErrClosed once the listener is closed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.arriving:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close may be called again.
func (l *Listener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return nil
}

// Addr is one of loopback.
func (l *Listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// Dial connects to the listener, whatever the address. It returns net.ErrClosed or the context's error.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.arriving <- far:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.open = append(l.open, far)
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Cut breaks all connections, as a server that is killed does.
func (l *Listener) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		_ = c.Close()
	}
}
