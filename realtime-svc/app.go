// Package realtime is realtime-svc: sockets, and what is brought to them. It owns no data.
package realtime

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/token"
)

// Config is what an operator may set.
type Config struct {
	Drain            time.Duration
	MaxConnectionAge time.Duration
	ConnectRate      int
	TokenlessRefresh bool
}

// RegisterFlags declares the flags. What c holds is their defaults.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	fs.DurationVar(&c.Drain, "drain", c.Drain, "`time` in which sockets are closed when the program ends: for its first quarter, but 5s at most, new ones "+
		"are still let in, then the sockets are asked to reconnect one by one")
	fs.DurationVar(&c.MaxConnectionAge, "max-connection-age", c.MaxConnectionAge, "`time`, give or take a tenth, after which a socket is asked to reconnect, so that "+
		"a replica that is new gets its share; 0 for never")
	fs.IntVar(&c.ConnectRate, "connect-rate", c.ConnectRate, "sockets that may open in one second on this replica, `n`; 0 for no limit")
	fs.BoolVar(&c.TokenlessRefresh, "tokenless-refresh", c.TokenlessRefresh, "let Socket.IO clients without a token hear that a conversation whose id they know "+
		"has something new, but not what; the tutorial's client needs it where it keeps no token cookie")
}

func (c *Config) check() error {
	switch {
	case c.Drain < 0:
		return fmt.Errorf("-drain is %v, want 0 or more", c.Drain)
	case c.MaxConnectionAge < 0:
		return fmt.Errorf("-max-connection-age is %v, want 0 or more", c.MaxConnectionAge)
	case c.ConnectRate < 0:
		return fmt.Errorf("-connect-rate is %d, want 0 or more", c.ConnectRate)
	}
	return nil
}

// App is realtime-svc, ready to run.
type App struct {
	env      server.Env
	drain    time.Duration
	verifier *token.Verifier
	hub      *hub
	door     *door
	sockets  *socketDoor
}

// New composes the service and starts nothing. It returns an error where the configuration is wrong.
func New(ctx context.Context, cfg Config, env server.Env) (*App, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	env = env.For(peer.RealtimeService)
	verifier := token.NewVerifier(env.Peers, env.Log)
	h, err := newHub(ctx, env, verifier)
	if err != nil {
		return nil, err
	}
	h.maxAge, h.tokenless = cfg.MaxConnectionAge, cfg.TokenlessRefresh
	h.waiting.most, h.guests.most = waitingPerRate*cfg.ConnectRate, guestsPerRate*cfg.ConnectRate
	native := newDoor(h, cfg.ConnectRate, env.HTTP.AllowedOrigins, env.Log)
	return &App{env: env, drain: cfg.Drain, verifier: verifier, hub: h, door: native, sockets: newSocketDoor(native, env.ServiceKeys)}, nil
}

// Routes is the public route table.
func (a *App) Routes() []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "GET /v1/ws", Handler: a.door},
		{Pattern: "GET /socket.io/", Handler: a.sockets},
		{Pattern: "POST /socket.io/", Handler: a.sockets},
	}
}

// Public serves Routes.
func (a *App) Public() http.Handler { return a.env.PublicHandler(a.Routes()) }

// Internal has one route, for the other replicas: what belongs to a Socket.IO session of this one.
func (a *App) Internal() http.Handler {
	return a.env.InternalHandler([]httpkit.Route{{Pattern: relayPath, Handler: a.sockets.relay.received(a.sockets.engine, a.door.errors.Problem)}})
}

// SetInternalAddress tells where the other replicas reach this one.
func (a *App) SetInternalAddress(address netip.AddrPort) { a.sockets.relay.self = address }

// Ready asks whether tokens can be verified.
func (a *App) Ready(context.Context) error { return a.verifier.Ready() }

// Degraded returns what is wrong with the broker: events come late then, and nothing is lost.
func (a *App) Degraded() error { return a.env.Broker.Trouble() }

// Drain takes no more sockets, and ends those there are evenly within -drain.
func (a *App) Drain(ctx context.Context) {
	a.hub.drain(ctx, a.drain)
	a.sockets.engine.Finish(farewellWait) // and of clients that have not connected to anything yet: the listener would wait for their polls
}

// Run brings events to sockets until ctx ends, and ends the sockets that are left then.
func (a *App) Run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var group sync.WaitGroup
	group.Go(func() { a.verifier.Run(working, a.env.Broker) })
	group.Go(func() { a.hub.run(working) })
	<-ctx.Done()
	a.hub.drain(context.WithoutCancel(ctx), 0)
	stop()
	group.Wait()
	a.hub.stop()
	a.hub.background.Wait()
	return nil
}

// Close gives the subscription back.
func (a *App) Close() error {
	a.sockets.engine.Close()
	return a.hub.subscription.Close()
}
