package main

import (
	"bytes"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen; pause is how long it waits to see that something does not.
const (
	patience = 10 * time.Second
	pause    = 50 * time.Millisecond
)

// startGate starts a gate before a server that runs handle for each connection. It returns the gate and its address.
func startGate(t *testing.T, serial bool, handle func(net.Conn)) (*gate, string) {
	t.Helper()
	upstream, listener := listen(t), listen(t)
	go func() {
		for {
			c, err := upstream.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); handle(c) }()
		}
	}()
	g := newGate("tcp", upstream.Addr().String(), serial)
	served := make(chan error, 1)
	go func() { served <- g.serve(t.Context(), listener) }()
	t.Cleanup(func() {
		g.close()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return g, listener.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// echo answers every message with itself.
func echo(c net.Conn) {
	for {
		m, err := readMessage(c)
		if err != nil {
			return
		}
		if _, err := c.Write(m); err != nil {
			return
		}
	}
}

func send(t *testing.T, c net.Conn, m []byte) {
	t.Helper()
	if _, err := c.Write(m); err != nil {
		t.Fatal(err)
	}
}

func wantReply(t *testing.T, c net.Conn, want message) {
	t.Helper()
	if got, err := readMessage(c); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes and %v, want %d bytes", len(got), err, len(want))
	}
}

func wantClosed(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || isTimeout(err) {
		t.Fatalf("the connection is open: read %d bytes, %v", n, err)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// wantFree checks that the gate serves another client.
func wantFree(t *testing.T, addr string) {
	t.Helper()
	c, m := dial(t, addr), newMessage(0, 'f', 'r', 'e', 'e')
	send(t, c, m)
	wantReply(t, c, m)
}

// mostAtOnce returns how many requests of eight clients the server sees at the same time.
func mostAtOnce(t *testing.T, serial bool) int32 {
	var running, most atomic.Int32
	_, addr := startGate(t, serial, func(c net.Conn) {
		for {
			m, err := readMessage(c)
			if err != nil {
				return
			}
			now := running.Add(1)
			for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
			}
			time.Sleep(2 * time.Millisecond)
			running.Add(-1)
			_, _ = c.Write(m)
		}
	})
	var clients sync.WaitGroup
	for i := range byte(8) {
		c := dial(t, addr)
		clients.Go(func() {
			for j := range byte(10) {
				m := newMessage(0, i, j)
				_, _ = c.Write(m)
				if got, err := readMessage(c); err != nil || !bytes.Equal(got, m) {
					t.Errorf("client %d, request %d: got %x and %v", i, j, got, err)
				}
			}
		})
	}
	clients.Wait()
	return most.Load()
}

func TestGateLetsOneRequestThrough(t *testing.T) {
	if n := mostAtOnce(t, true); n != 1 {
		t.Errorf("%d requests ran at the same time", n)
	}
	if n := mostAtOnce(t, false); n < 2 {
		t.Error("nothing ran at the same time without the gate either: this test shows nothing")
	}
}

func TestGateDropsReplyThatNobodyReads(t *testing.T) {
	_, addr := startGate(t, true, echo)
	c := dial(t, addr)
	send(t, c, newMessage(flagMoreToCome, 'a'))
	send(t, c, newMessage(flagExhaustAllowed, 'b'))
	wantReply(t, c, newMessage(0, 'b'))
}

func TestGateRefusesStream(t *testing.T) {
	_, addr := startGate(t, true, func(c net.Conn) {
		if m, err := readMessage(c); err == nil {
			_, _ = c.Write(newMessage(flagMoreToCome, m[headerLen+4:]...))
			echo(c)
		}
	})
	c := dial(t, addr)
	send(t, c, newMessage(0, 'a'))
	wantClosed(t, c)
}

func TestGateRefusesTooLongMessage(t *testing.T) {
	_, addr := startGate(t, true, echo)
	c := dial(t, addr)
	send(t, c, append(newHeader(maxMessageLen+1), make([]byte, 12)...))
	wantClosed(t, c)
	wantFree(t, addr)
}

func TestGateIsNotHeldByClientThatSendsSlowly(t *testing.T) {
	_, addr := startGate(t, true, echo)
	c, m := dial(t, addr), newMessage(0, 'a', 'b')
	send(t, c, m[:len(m)-1])
	wantFree(t, addr)
	send(t, c, m[len(m)-1:])
	wantReply(t, c, m)
}

func TestGateIsNotHeldByClientThatDoesNotRead(t *testing.T) {
	_, addr := startGate(t, true, echo)
	c, m := dial(t, addr), newMessage(0, make([]byte, 16<<20)...)
	send(t, c, m) // more than the sockets hold
	time.Sleep(pause)
	wantFree(t, addr)
	wantReply(t, c, m)
}

func TestGateIsNotHeldByClientThatLeaves(t *testing.T) {
	_, addr := startGate(t, true, echo)
	for _, m := range []message{newMessage(0, 'a')[:headerLen+1], newMessage(0, make([]byte, 1<<20)...)} {
		c := dial(t, addr)
		send(t, c, m)
		c.Close()
		wantFree(t, addr)
	}
}

func TestGateIsNotHeldByServerThatFails(t *testing.T) {
	var calls atomic.Int32
	_, addr := startGate(t, true, func(c net.Conn) {
		if calls.Add(1) > 1 {
			echo(c)
		} else if m, err := readMessage(c); err == nil {
			_, _ = c.Write(m[:len(m)-1])
		}
	})
	c := dial(t, addr)
	send(t, c, newMessage(0, 'a'))
	wantClosed(t, c)
	wantFree(t, addr)
}

// A request that waits for its turn must not keep the gate from closing, nor one that waits for its reply.
func TestGateCloses(t *testing.T) {
	arrived := make(chan struct{}, 2)
	g, addr := startGate(t, true, func(c net.Conn) {
		if _, err := readMessage(c); err == nil {
			arrived <- struct{}{}
			_, _ = readMessage(c) // answers never
		}
	})
	clients := []net.Conn{dial(t, addr), dial(t, addr), dial(t, addr)}
	for _, c := range clients[:2] {
		send(t, c, newMessage(0, 'a'))
	}
	<-arrived
	time.Sleep(pause)
	g.close()
	for _, c := range clients {
		wantClosed(t, c)
	}
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Error("the gate accepts clients after close")
	}
}
