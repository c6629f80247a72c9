package realtime

import (
	"context"
	"log/slog"
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
	"github.com/confab-chat/confab/realtime-svc/internal/pipes"
)

// replica is a running realtime-svc behind pipes.
type replica struct {
	app    *App
	pipes  *pipes.Listener
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
	r := &replica{app: app, pipes: pipes.Listen()}
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
	dialer := websocket.Dialer{NetDialContext: r.pipes.Dial, HandshakeTimeout: wait}
	ws, response, err := dialer.DialContext(ctx, "ws://replica/v1/ws?token="+url.QueryEscape(issuer.Token(t, userID, life)), nil)
	if err != nil && response != nil {
		_ = response.Body.Close()
	}
	return ws, err
}
