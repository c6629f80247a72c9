// Package web is the one port in front of the services: the pages, and a reverse proxy by the route table.
package web

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
	"github.com/confab-chat/confab/pkg/server"
)

// Config is what an operator may set: how long a stop takes, and where the replicas of each service listen for clients.
type Config struct {
	Drain            time.Duration
	AuthURLs         config.List
	ConversationURLs config.List
	MessageURLs      config.List
	RealtimeURLs     config.List
}

// RegisterFlags declares the flags.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	fs.DurationVar(&c.Drain, "drain", 20*time.Second, "`time` in which sockets are closed when the program ends: for its first quarter, but 5s at most, "+
		"new ones are still let in, then the sockets are closed one by one")
	replicas := func(list *config.List, name, service, first string) {
		*list = config.List{first}
		fs.Var(list, name, "public `URLs` of the replicas of "+service+", separated by commas")
	}
	replicas(&c.AuthURLs, "auth-url", peer.AuthService, "http://127.0.0.1:3001")
	replicas(&c.ConversationURLs, "conversation-url", peer.ConversationService, "http://127.0.0.1:3002")
	replicas(&c.MessageURLs, "message-url", peer.MessageService, "http://127.0.0.1:3003")
	replicas(&c.RealtimeURLs, "realtime-url", peer.RealtimeService, "http://127.0.0.1:3004")
}

func (c *Config) urls() map[string]config.List {
	return map[string]config.List{
		peer.AuthService: c.AuthURLs, peer.ConversationService: c.ConversationURLs,
		peer.MessageService: c.MessageURLs, peer.RealtimeService: c.RealtimeURLs,
	}
}

// App is web, ready to run.
type App struct {
	handlers  map[string]http.Handler // by service
	transport *http.Transport         // to all of them
	sockets   *sockets
	drain     time.Duration
}

// New composes the proxy and starts nothing. It returns an error where the configuration is wrong.
func New(cfg Config, env server.Env) (*App, error) {
	if cfg.Drain < 0 {
		return nil, fmt.Errorf("-drain is %v, want 0 or more", cfg.Drain)
	}
	env = env.For(routes.Web)
	a := &App{
		handlers:  map[string]http.Handler{routes.Web: env.PublicHandler(Pages())},
		transport: newTransport(), sockets: newSockets(env), drain: cfg.Drain,
	}
	env.Registerer.MustRegister(newSocketsGauge(a.sockets))
	m := newMetrics(env.Registerer)
	for service, urls := range cfg.urls() {
		b, err := newBalancer(a.transport, service, urls, m)
		if err != nil {
			return nil, err
		}
		a.handlers[service] = httpkit.Frame(env.Log, env.HTTP.TrustedProxies, env.Traced(service, a.sockets.track(newProxy(service, b, m, env))))
	}
	return a, nil
}

// Public sends each request to its service by the route table.
func (a *App) Public() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// By the cleaned path, as a service's own router sees it: /v1/users/../../internal/ is no way around the table.
		a.handlers[routes.Service(path.Clean(r.URL.Path))].ServeHTTP(w, r)
	})
}

// Internal returns nil: no service calls web.
func (a *App) Internal() http.Handler { return nil }

// Ready returns nil. Whether a service is away is no business of web's readiness: the other services' paths go on.
func (a *App) Ready(context.Context) error { return nil }

// Drain takes no more sockets, and ends those there are evenly within -drain.
func (a *App) Drain(ctx context.Context) { a.sockets.drain(ctx, a.drain) }

// Run waits until ctx ends, then ends the sockets that are left. They hold it up for writeWait at most.
func (a *App) Run(ctx context.Context) error {
	<-ctx.Done()
	a.sockets.drain(ctx, 0)
	a.sockets.open.Wait()
	return nil
}

// Close closes the connections to the services.
func (a *App) Close() error {
	a.sockets.drain(context.Background(), 0)
	a.transport.CloseIdleConnections()
	return nil
}
