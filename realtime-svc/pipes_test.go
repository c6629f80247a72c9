package realtime

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

// pipes is a listener without a network: its connections wait on channels alone, so that a gateway runs in a bubble, in whose time
// half a minute takes none.
type pipes struct {
	arriving chan net.Conn
	closed   chan struct{}
	closing  sync.Once

	mu   sync.Mutex
	open []net.Conn
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.arriving:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.closing.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.arriving <- far:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.open = append(p.open, far)
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cut breaks all connections, as a replica that is killed does.
func (p *pipes) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.open {
		_ = c.Close()
	}
}

// replica is a running realtime-svc behind pipes.
type replica struct {
	app    *App
	pipes  *pipes
	server *http.Server
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

func startReplica(t *testing.T, cfg Config, b broker.Broker, peers *peer.Peers) *replica {
	t.Helper()
	env := servertest.Env(t, peers)
	env.Broker = b
	if !testing.Verbose() {
		env.Log = slog.New(slog.DiscardHandler)
	}
	app, err := New(t.Context(), cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{app: app, pipes: &pipes{arriving: make(chan net.Conn), closed: make(chan struct{})}}
	r.server = &http.Server{Handler: app.Public()}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.ended.Go(func() { _ = app.Run(ctx) })
	r.ended.Go(func() { _ = r.server.Serve(r.pipes) })
	return r
}

// close returns when nothing of the replica runs any more.
func (r *replica) close() {
	_ = r.server.Close()
	r.stop()
	r.ended.Wait()
	_ = r.app.Close()
}

// dial opens a socket of the user.
func (r *replica) dial(ctx context.Context, t *testing.T, issuer *tokentest.Issuer, userID string, life time.Duration) (*websocket.Conn, error) {
	t.Helper()
	dialer := websocket.Dialer{NetDialContext: r.pipes.dial, HandshakeTimeout: wait}
	ws, response, err := dialer.DialContext(ctx, "ws://replica/v1/ws?token="+url.QueryEscape(issuer.Token(t, userID, life)), nil)
	if err != nil && response != nil {
		_ = response.Body.Close()
	}
	return ws, err
}
