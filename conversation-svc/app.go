package conversation

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/token"
)

// Config is what an operator may set.
type Config struct {
	MongoURI        config.Secret
	MaxMembers      int
	StartsPerMinute int
	WalkEvery       time.Duration
}

// RegisterFlags declares the flags but that of the store.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	fs.IntVar(&c.MaxMembers, "max-members", chat.MaxParticipant, "`members` that a group may have")
	fs.IntVar(&c.StartsPerMinute, "start-limit", 120, "`conversations` that a user may start in a minute; 0: no limit")
	fs.DurationVar(&c.WalkEvery, "walk-every", 10*time.Minute, "`time` between two comparisons of all heads with message-svc")
}

// RegisterMongoFlags declares the flag of MongoDB, for a program that gives no Repository.
func (c *Config) RegisterMongoFlags(fs *flag.FlagSet) {
	c.MongoURI = "mongodb://127.0.0.1:27017/"
	fs.Var(&c.MongoURI, "mongo-uri", "`URI` of MongoDB, may hold a password")
}

func (c *Config) check() error {
	switch {
	case c.MaxMembers < 2:
		return fmt.Errorf("-max-members is %d: a conversation has at least 2", c.MaxMembers)
	case c.StartsPerMinute < 0:
		return fmt.Errorf("-start-limit is %d: 0 is no limit", c.StartsPerMinute)
	case c.WalkEvery < time.Second:
		return fmt.Errorf("-walk-every is %v: give at least a second", c.WalkEvery)
	}
	return nil
}

// Deps are what the service is given.
type Deps struct {
	server.Env
	Repository Repository // nil: New opens MongoDB at Config.MongoURI. The App closes it.
}

// App is conversation-svc, composed.
type App struct {
	repo     Repository
	service  *service
	verifier *token.Verifier
	env      server.Env
	walk     *walk
	routes   []httpkit.Route
	internal []httpkit.Route
}

// New composes the service and starts nothing. It returns an error where the configuration is wrong or MongoDB is out of reach.
func New(ctx context.Context, cfg Config, deps Deps) (*App, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	env := deps.For(peer.ConversationService)
	repo := deps.Repository
	if repo == nil {
		var err error
		if repo, err = OpenMongo(ctx, string(cfg.MongoURI), env.Registerer); err != nil {
			return nil, err
		}
	}
	publisher := newPublisher(env.Broker, env.Log, env.Registerer)
	s := &service{
		repo: repo, peers: env.Peers, news: newNews(publisher), hints: newHints(repo, publisher, env.Log), maxMembers: cfg.MaxMembers,
	}
	verifier := token.NewVerifier(env.Peers, env.Log)
	endpoints := NewEndpoints(s, &tutorial{s}, env.NewChain(peer.ConversationService, verifier), cfg.StartsPerMinute)
	server := httpkit.NewServer(env.Log)
	return &App{
		repo: repo, service: s, verifier: verifier, env: env, walk: newWalk(s, env.Log, cfg.WalkEvery, env.Registerer),
		routes:   append(publicRoutes(server, endpoints), tutorialRoutes(server, endpoints.Tutorial)...),
		internal: internalRoutes(server, endpoints),
	}, nil
}

// Routes is the table of what the public listener serves.
func (a *App) Routes() []httpkit.Route { return a.routes }

// Peer is the service as the other services know it.
func (a *App) Peer() peer.Conversations { return a.service }

// Public serves clients.
func (a *App) Public() http.Handler { return a.env.PublicHandler(a.routes) }

// Internal serves the other services.
func (a *App) Internal() http.Handler { return a.env.InternalHandler(a.internal) }

// Ready returns an error where the store cannot be reached or tokens cannot be verified.
func (a *App) Ready(ctx context.Context) error {
	if err := a.repo.Ping(ctx); err != nil {
		return fmt.Errorf("the store cannot be reached: %w", err)
	}
	return a.verifier.Ready()
}

// Degraded returns what is wrong with the broker: events come late then, and nothing is lost.
func (a *App) Degraded() error { return a.env.Broker.Trouble() }

// Run publishes events, walks the heads and keeps the keys fresh until ctx ends; then it publishes what still waits.
func (a *App) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { a.verifier.Run(ctx, a.env.Broker) })
	wg.Go(func() { a.service.news.run(ctx) })
	wg.Go(func() { a.service.hints.run(ctx) })
	wg.Go(func() { a.walk.run(ctx) })
	wg.Wait()
	return nil
}

// Close closes the store.
func (a *App) Close() error { return a.repo.Close() }
