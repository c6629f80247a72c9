package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	floodTime       = time.Minute
	floodSettle     = 5 * time.Second
	handshakeRate   = 5000 // a second, none of which is followed by a CONNECT
	handshakers     = 200  // connections
	halfOpen        = 10_000
	pause           = 5 * time.Second // at the mean, before a half-open one is opened, and again after it was closed
	honestSpeakers  = 10
	honestInterval  = 100 * time.Millisecond
	polledAtOnce    = 500 // sessions
	upgradeToSocket = "GET /socket.io/?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: confab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

// flood measures what clients that mean no good cost the others, from so many addresses.
func (b *bench) flood(ctx context.Context) error {
	fmt.Printf("\n%-22s %12s %14s %12s %14s %16s\n", "flood of Socket.IO", "handshakes/s", "let in, of all", "half-open", "memory, MiB", "honest p99, ms")
	for _, addresses := range []int{1, 64} {
		if err := b.withServer(ctx, func(c *confab) error { return c.flood(ctx, addresses) }, "-connect-rate", "500"); err != nil {
			return err
		}
	}
	return nil
}

// attack is what bad clients do until ctx ends.
type attack struct {
	*confab
	ctx       context.Context
	addresses int
	asked     atomic.Int64 // handshakes
	admitted  atomic.Int64
	open      atomic.Int64 // half-open upgrades
	sessions  chan string  // ids of sessions that wait to be polled, or upgraded
}

func (c *confab) flood(ctx context.Context, addresses int) error {
	users, err := c.register(honestSpeakers)
	if err != nil {
		return err
	}
	speaker, err := c.room(users)
	if err != nil {
		return err
	}
	if err := c.restart(ctx); err != nil {
		return err
	}
	speakers := make([]*honest, len(users))
	for i, u := range users {
		if speakers[i], err = c.honest(u.token, speaker.room); err != nil {
			return err
		}
	}
	quiet, err := speakAll(speakers, floodSettle)
	if err != nil {
		return err
	}
	before, err := c.rss()
	if err != nil {
		return err
	}
	flooding, stop := context.WithCancel(ctx)
	defer stop()
	a := &attack{confab: c, ctx: flooding, addresses: addresses, sessions: make(chan string, polledAtOnce)}
	var group sync.WaitGroup
	group.Go(a.run)
	waits, err := speakAll(speakers, floodTime)
	if err != nil {
		return err
	}
	open := a.open.Load()
	during, err := c.rss()
	if err != nil {
		return err
	}
	stop()
	group.Wait()
	fmt.Printf("%-22s %12.0f %13.1f%% %12d %14.1f %8.1f (%.1f)\n", fmt.Sprintf("from %d addresses", addresses), float64(a.asked.Load())/floodTime.Seconds(),
		100*float64(a.admitted.Load())/float64(a.asked.Load()), open, float64(during-before)/(1<<20), p99(waits), p99(quiet))
	return nil
}

func p99(waits []time.Duration) float64 {
	slices.Sort(waits)
	return float64(waits[len(waits)*99/100].Microseconds()) / 1000
}

// honest is a client that was there before.
type honest struct {
	conn *websocket.Conn
	room string
	said int
}

func (c *confab) honest(token, room string) (*honest, error) {
	o := &opener{confab: c, protocol: socketIO}
	conn, err := o.connect(token)
	if err != nil {
		return nil, err
	}
	return &honest{conn: conn, room: room}, o.enter(conn, room)
}

// speak sends, and returns how long each message took to its ack.
func (h *honest) speak(length time.Duration) (waits []time.Duration, err error) {
	pace := time.NewTicker(honestInterval)
	defer pace.Stop()
	for begin := time.Now(); time.Since(begin) < length; h.said++ {
		<-pace.C
		sent := time.Now()
		key := fmt.Sprintf("%p-%d", h, h.said)
		if err := say(h.conn, fmt.Sprintf(`42%d["send",{"conversation":%q,"body":"Hi","client_msg_id":%q}]`, h.said, h.room, key)); err != nil {
			return nil, err
		}
		if err := wait(h.conn, fmt.Sprintf("43%d[", h.said)); err != nil {
			return nil, err
		}
		waits = append(waits, time.Since(sent))
	}
	return waits, nil
}

// speakAll has all speak at once.
func speakAll(speakers []*honest, length time.Duration) ([]time.Duration, error) {
	var group sync.WaitGroup
	waits, errs := make([][]time.Duration, len(speakers)), make([]error, len(speakers))
	for i, h := range speakers {
		group.Go(func() { waits[i], errs[i] = h.speak(length) })
	}
	group.Wait()
	return slices.Concat(waits...), errors.Join(errs...)
}

func (a *attack) run() {
	var group sync.WaitGroup
	for i := range handshakers {
		group.Go(func() {
			pace := time.NewTicker(handshakers * time.Second / handshakeRate)
			defer pace.Stop()
			a.keep(i, a.shakeHands(pace.C))
		})
	}
	for i := range polledAtOnce {
		group.Go(func() { a.keep(i, a.poll) })
	}
	for i := range halfOpen {
		group.Go(func() {
			a.rest()
			a.keep(i, a.hold)
		})
	}
	group.Wait()
}

// dial dials from one of the addresses.
func (a *attack) dial(n int) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+n%a.addresses))}}
	return dialer.DialContext(a.ctx, "tcp", a.address)
}

// keep has f use a connection until ctx ends, and another one whenever that breaks.
func (a *attack) keep(n int, f func(c *client) error) {
	for a.ctx.Err() == nil {
		conn, err := a.dial(n)
		if err != nil {
			a.rest()
			continue
		}
		hangUp := context.AfterFunc(a.ctx, func() { _ = conn.Close() })
		for c := newClient(conn, ""); err == nil; {
			err = f(c)
		}
		hangUp()
		_ = conn.Close()
	}
}

// shakeHands never connects what it opens.
func (a *attack) shakeHands(pace <-chan time.Time) func(c *client) error {
	return func(c *client) error {
		<-pace
		status, err := c.ask("/socket.io/?EIO=4&transport=polling")
		if err != nil {
			return err
		}
		a.asked.Add(1)
		if status != http.StatusOK {
			return nil
		}
		a.admitted.Add(1)
		_, rest, _ := bytes.Cut(c.body, []byte(`"sid":"`))
		sid, _, _ := bytes.Cut(rest, []byte(`"`))
		select {
		case a.sessions <- string(sid):
		default:
		}
		return nil
	}
}

// poll keeps a session alive that never connects.
func (a *attack) poll(c *client) error {
	select {
	case sid := <-a.sessions:
		status, err := c.ask("/socket.io/?EIO=4&transport=polling&sid=" + sid)
		for err == nil && status == http.StatusOK {
			status, err = c.ask("/socket.io/?EIO=4&transport=polling&sid=" + sid)
		}
		return err
	case <-a.ctx.Done():
		return a.ctx.Err()
	}
}

// hold asks for a WebSocket, for a session where there is one, and says nothing on it until it is closed.
func (a *attack) hold(c *client) error {
	session := ""
	select {
	case sid := <-a.sessions:
		session = "&sid=" + sid
	default:
	}
	if _, err := fmt.Fprintf(c.conn, upgradeToSocket, session); err != nil {
		return err
	}
	a.open.Add(1)
	_, _ = io.Copy(io.Discard, c.conn)
	a.open.Add(-1)
	a.rest()
	return io.EOF
}

func (a *attack) rest() {
	select {
	case <-time.After(rand.N(2 * pause)):
	case <-a.ctx.Done():
	}
}
