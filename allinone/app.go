// Package allinone runs the four services and the web page in one process: SQLite files, a broker in memory, one port.
package allinone

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"

	auth "github.com/confab-chat/confab/auth-svc"
	conversation "github.com/confab-chat/confab/conversation-svc"
	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/routes"
	"github.com/confab-chat/confab/pkg/server"
	realtime "github.com/confab-chat/confab/realtime-svc"
	"github.com/confab-chat/confab/web"
)

// Config is what an operator may set.
type Config struct {
	DataDir      string
	Auth         auth.Config
	Conversation conversation.Config
	Message      message.Config
	Realtime     realtime.Config
}

// RegisterFlags declares the flags.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	registerDataDir(fs, &c.DataDir)
	c.Auth.RegisterFlags(fs)
	c.Conversation.RegisterFlags(fs)
	c.Message.RegisterFlags(fs)
	c.Realtime.RegisterFlags(fs)
}

func registerDataDir(fs *flag.FlagSet, dir *string) {
	fs.StringVar(dir, "data-dir", "./data", "`directory` of the databases, and of mails while no mail server is set")
}

// service is one of the four.
type service interface {
	server.App
	Routes() []httpkit.Route
}

// App is all of Confab in one process.
type App struct {
	env      server.Env
	data     *dataDir
	names    []string // in the order in which they are made; they stop in reverse
	services map[string]service
}

// New opens the data directory and composes the services. It returns an error where another process uses the directory.
func New(ctx context.Context, cfg Config, env server.Env) (*App, error) {
	data, err := openDataDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	env.Broker = broker.NewMemory()
	env.Limiter = ratelimit.NewMemory()
	env.Peers = &peer.Peers{}
	a := &App{env: env, data: data, services: map[string]service{}}
	if err := a.compose(ctx, cfg, env); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// compose makes the services, then binds them to each other.
func (a *App) compose(ctx context.Context, cfg Config, env server.Env) error {
	if err := a.data.prepare(); err != nil {
		return err
	}
	if !filepath.IsAbs(cfg.Auth.MailFile) {
		cfg.Auth.MailFile = filepath.Join(cfg.DataDir, cfg.Auth.MailFile)
	}
	authRepo, err := auth.OpenSQLite(ctx, a.data.path(authFile))
	if err != nil {
		return err
	}
	authApp, err := auth.New(ctx, cfg.Auth, auth.Deps{Env: env, Repository: authRepo})
	if err != nil {
		return errors.Join(err, authRepo.Close())
	}
	a.add(peer.AuthService, authApp)

	conversationRepo, err := conversation.OpenSQLite(ctx, a.data.path(conversationFile))
	if err != nil {
		return err
	}
	conversationApp, err := conversation.New(ctx, cfg.Conversation, conversation.Deps{Env: env, Repository: conversationRepo})
	if err != nil {
		return errors.Join(err, conversationRepo.Close())
	}
	a.add(peer.ConversationService, conversationApp)

	messageRepo, err := message.OpenSQLite(ctx, a.data.path(messageFile))
	if err != nil {
		return err
	}
	messageApp, err := message.New(ctx, cfg.Message, message.Deps{Env: env, Repository: messageRepo})
	if err != nil {
		return errors.Join(err, messageRepo.Close())
	}
	a.add(peer.MessageService, messageApp)

	realtimeApp, err := realtime.New(ctx, cfg.Realtime, env)
	if err != nil {
		return err
	}
	a.add(peer.RealtimeService, realtimeApp)

	*env.Peers = peer.Peers{Auth: authApp.Peer(), Conversations: conversationApp.Peer(), Messages: messageApp.Peer()}
	return nil
}

func (a *App) add(name string, s service) {
	a.names = append(a.names, name)
	a.services[name] = s
}

// Routes is the public table of all services.
func (a *App) Routes() []httpkit.Route {
	var table []httpkit.Route
	for _, name := range a.names {
		table = append(table, a.services[name].Routes()...)
	}
	return table
}

// Public sends each request to its service by the route table.
func (a *App) Public() http.Handler {
	handlers := map[string]http.Handler{routes.Web: a.env.PublicHandler(web.Pages())}
	for name, s := range a.services {
		handlers[name] = s.Public()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[routes.Service(r.URL.Path)].ServeHTTP(w, r)
	})
}

// Internal returns nil: the services call each other in process.
func (a *App) Internal() http.Handler { return nil }

// Ready returns the first service's error, with its name.
func (a *App) Ready(ctx context.Context) error {
	for _, name := range a.names {
		if err := a.services[name].Ready(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// Drain ends the connections that outlive a request.
func (a *App) Drain(ctx context.Context) {
	for _, name := range a.names {
		if d, ok := a.services[name].(server.Drainer); ok {
			d.Drain(ctx)
		}
	}
}

// Run runs the services until ctx ends. Then they stop one by one, the last made first: each can flush to those it needs.
func (a *App) Run(ctx context.Context) error {
	type running struct {
		stop  context.CancelFunc
		ended chan error
	}
	ctx, oneEnded := context.WithCancel(ctx) // none runs on where one has failed
	defer oneEnded()
	var all []running
	for _, name := range a.names {
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		r := running{stop: stop, ended: make(chan error, 1)}
		go func() {
			r.ended <- a.services[name].Run(own)
			oneEnded()
		}()
		all = append(all, r)
	}
	<-ctx.Done()
	var errs []error
	for _, r := range slices.Backward(all) {
		r.stop()
		errs = append(errs, <-r.ended)
	}
	return errors.Join(errs...)
}

// Close closes the services' stores and gives the data directory back.
func (a *App) Close() error {
	var errs []error
	for _, name := range slices.Backward(a.names) {
		errs = append(errs, a.services[name].Close())
	}
	return errors.Join(append(errs, a.data.close())...)
}
