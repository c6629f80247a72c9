// Package proxy stands between two processes, and does damage when it is told to.
package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// Proxy relays TCP connections to one address. Its methods may be called from any goroutine.
type Proxy struct {
	Addr string // where it listens, host:port

	target   string
	backward Relay
	listener net.Listener
	parts    sync.WaitGroup

	held atomic.Int64

	mu     sync.Mutex
	closed bool
	cut    bool
	thawed chan struct{} // closed unless frozen
	open   map[net.Conn]struct{}
}

// Relay passes on what the target says until either side ends. What it reads it must write before it waits for more.
type Relay func(client *bufio.Writer, target *bufio.Reader) error

// Listen returns a proxy on a free port of loopback. backward may change what the target says; nil passes it on as it is.
func Listen(target string, backward Relay) (*Proxy, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if backward == nil {
		backward = pass
	}
	p := &Proxy{Addr: l.Addr().String(), target: target, backward: backward, listener: l, open: map[net.Conn]struct{}{}, thawed: make(chan struct{})}
	close(p.thawed)
	p.parts.Go(p.serve)
	return p, nil
}

// Cut ends all connections, and ends new ones at once, until Heal.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	p.endAll()
}

// Freeze keeps the connections, takes new ones, and passes nothing on, until Heal.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.frozen() {
		p.thawed = make(chan struct{})
	}
}

// Heal ends Cut and Freeze. What a frozen proxy has taken it passes on.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heal()
}

func (p *Proxy) heal() {
	p.cut = false
	if p.frozen() {
		close(p.thawed)
	}
}

func (p *Proxy) frozen() bool {
	select {
	case <-p.thawed:
		return false
	default:
		return true
	}
}

// Close ends everything, and returns when no part of the proxy runs any more.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.heal()
	_ = p.listener.Close()
	p.endAll()
	p.mu.Unlock()
	p.parts.Wait()
}

func (p *Proxy) endAll() {
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.parts.Go(func() { p.relay(client) })
	}
}

func (p *Proxy) relay(client net.Conn) {
	defer p.release(client)
	if !p.hold(client) {
		return
	}
	p.wait()
	target, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer p.release(target)
	if !p.hold(target) {
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(gated{target, p}, client)
		_ = target.(*net.TCPConn).CloseWrite()
	}()
	_ = p.backward(bufio.NewWriter(gated{client, p}), bufio.NewReader(target))
	_ = client.Close()
	<-ended
}

// hold keeps the connection for Cut and Close. It returns false where that has happened.
func (p *Proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.cut {
		return false
	}
	p.open[c] = struct{}{}
	return true
}

func (p *Proxy) release(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// wait returns once the proxy is not frozen.
func (p *Proxy) wait() {
	p.mu.Lock()
	thawed := p.thawed
	if p.frozen() {
		p.held.Add(1)
	}
	p.mu.Unlock()
	<-thawed
}

// Held is how often something had to wait because the proxy was frozen.
func (p *Proxy) Held() int64 { return p.held.Load() }

// gated writes while the proxy is not frozen.
type gated struct {
	conn  net.Conn
	proxy *Proxy
}

func (g gated) Write(b []byte) (int, error) {
	g.proxy.wait()
	return g.conn.Write(b)
}

func pass(client *bufio.Writer, target *bufio.Reader) error {
	for {
		if _, err := target.Peek(1); err != nil {
			return err
		}
		if _, err := io.CopyN(client, target, int64(target.Buffered())); err != nil {
			return err
		}
		if err := client.Flush(); err != nil {
			return err
		}
	}
}
