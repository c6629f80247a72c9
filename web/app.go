// Package web is the one port in front of the services: the pages, and a reverse proxy by the route table.
package web

import (
	"context"
	"flag"
	"net/http"
	"path"
	"sync"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
	"github.com/confab-chat/confab/pkg/server"
)

// Config is what an operator may set: where the replicas of each service listen for clients.
type Config struct {
	AuthURLs         config.List
	ConversationURLs config.List
	MessageURLs      config.List
	RealtimeURLs     config.List
}

// RegisterFlags declares the flags.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
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
	sockets   sync.WaitGroup          // requests that may have been upgraded
	stopping  context.Context         // ends when sockets must
	stop      context.CancelFunc
}

// New composes the proxy and starts nothing. It returns an error where a URL is wrong.
func New(cfg Config, env server.Env) (*App, error) {
	env = env.For(routes.Web)
	a := &App{handlers: map[string]http.Handler{routes.Web: env.PublicHandler(Pages())}, transport: newTransport()}
	a.stopping, a.stop = context.WithCancel(context.Background())
	m := newMetrics(env.Registerer)
	for service, urls := range cfg.urls() {
		b, err := newBalancer(a.transport, service, urls, m)
		if err != nil {
			return nil, err
		}
		a.handlers[service] = httpkit.Frame(env.Log, env.HTTP.TrustedProxies, a.endSockets(newProxy(service, b, m, env)))
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

// endSockets ends requests that were upgraded, and so are no longer the server's, when the app stops.
func (a *App) endSockets(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isUpgrade(r) {
			next.ServeHTTP(w, r)
			return
		}
		a.sockets.Add(1)
		defer a.sockets.Done()
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(a.stopping, cancel)()
		next.ServeHTTP(socketWriter{w}, r.WithContext(ctx))
	})
}

// Internal returns nil: no service calls web.
func (a *App) Internal() http.Handler { return nil }

// Ready returns nil. Whether a service is away is no business of web's readiness: the other services' paths go on.
func (a *App) Ready(context.Context) error { return nil }

// Run waits until ctx ends, then closes the sockets that are left.
func (a *App) Run(ctx context.Context) error {
	<-ctx.Done()
	a.stop()
	a.sockets.Wait()
	return nil
}

// Close closes the connections to the services.
func (a *App) Close() error {
	a.stop()
	a.transport.CloseIdleConnections()
	return nil
}
