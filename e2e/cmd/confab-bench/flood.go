package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	floodTime       = time.Minute
	floodSettle     = 5 * time.Second
	handshakeRate   = 5000 // a second, none of which is followed by a CONNECT
	handshakers     = 50   // connections
	halfOpen        = 10_000
	halfOpenPause   = time.Second // before one that was closed is opened again
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
	flooding, stop := context.WithTimeout(ctx, floodTime)
	defer stop()
	a := &attack{confab: c, ctx: flooding, addresses: addresses, sessions: make(chan string, polledAtOnce)}
	var group sync.WaitGroup
	group.Go(a.run)
	waits, err := speakAll(speakers, floodTime-floodSettle)
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
		group.Go(func() { a.shakeHands(a.client(i)) })
	}
	for i := range polledAtOnce {
		group.Go(func() { a.poll(a.client(i)) })
	}
	for i := range halfOpen {
		group.Go(func() { a.hold(a.dialer(i)) })
	}
	group.Wait()
}

// dialer dials from one of the addresses.
func (a *attack) dialer(n int) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+n%a.addresses))}}
}

func (a *attack) client(n int) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: a.dialer(n).DialContext, MaxIdleConnsPerHost: 1}}
}

func (a *attack) get(c *http.Client, query string) (string, error) {
	r, err := http.NewRequestWithContext(a.ctx, http.MethodGet, "http://"+a.address+"/socket.io/?EIO=4&transport=polling"+query, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func (a *attack) shakeHands(c *http.Client) {
	defer c.CloseIdleConnections()
	pace := time.NewTicker(handshakers * time.Second / handshakeRate)
	defer pace.Stop()
	for a.ctx.Err() == nil {
		<-pace.C
		answer, err := a.get(c, "")
		if err != nil {
			continue
		}
		a.asked.Add(1)
		if _, rest, ok := strings.Cut(answer, `"sid":"`); ok {
			a.admitted.Add(1)
			sid, _, _ := strings.Cut(rest, `"`)
			select {
			case a.sessions <- sid:
			default:
			}
		}
	}
}

// poll keeps a session alive that never connects.
func (a *attack) poll(c *http.Client) {
	defer c.CloseIdleConnections()
	for a.ctx.Err() == nil {
		select {
		case sid := <-a.sessions:
			for answer, err := a.get(c, "&sid="+sid); err == nil && strings.HasPrefix(answer, "2"); {
				answer, err = a.get(c, "&sid="+sid)
			}
		case <-a.ctx.Done():
		}
	}
}

// hold asks for a WebSocket, for a session where there is one, and says nothing on it.
func (a *attack) hold(d *net.Dialer) {
	for a.ctx.Err() == nil {
		conn, err := d.DialContext(a.ctx, "tcp", a.address)
		if err == nil {
			a.open.Add(1)
			a.sayNothing(conn)
			a.open.Add(-1)
		}
		select {
		case <-time.After(halfOpenPause):
		case <-a.ctx.Done():
		}
	}
}

func (a *attack) sayNothing(conn net.Conn) {
	defer context.AfterFunc(a.ctx, func() { _ = conn.Close() })()
	defer conn.Close()
	session := ""
	select {
	case sid := <-a.sessions:
		session = "&sid=" + sid
	default:
	}
	if _, err := fmt.Fprintf(conn, upgradeToSocket, session); err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, bufio.NewReaderSize(conn, 64)) // until it is closed
}
