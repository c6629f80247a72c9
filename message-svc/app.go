package message

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
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/token"
)

// Config is what an operator may set.
type Config struct {
	MongoURI config.Secret
	SendRate int
}

// RegisterFlags declares the flags but that of the store.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	fs.IntVar(&c.SendRate, "send-rate", 20, "messages and changes a second that one user may write, five seconds' worth at once; 0: no limit")
}

// RegisterMongoFlags declares the flag of MongoDB, for a program that gives no Repository.
func (c *Config) RegisterMongoFlags(fs *flag.FlagSet) {
	c.MongoURI = "mongodb://127.0.0.1:27017/"
	fs.Var(&c.MongoURI, "mongo-uri", "`URI` of MongoDB, may hold a password")
}

const sendBurst = 5 * time.Second

func (c *Config) writes() ratelimit.Rule {
	return ratelimit.Rule{Name: "write", Burst: c.SendRate * int(sendBurst/time.Second), Period: sendBurst}
}

// Deps are what the service needs from outside.
type Deps struct {
	server.Env
	Repository Repository // nil: New opens MongoDB at Config.MongoURI
}

// App is message-svc, ready to run.
type App struct {
	service   Service
	repo      Repository
	verifier  *token.Verifier
	announcer *announcer
	raiser    *raiser
	members   *members
	env       server.Env
	endpoints Endpoints
}

// New composes the service. It returns an error where its store cannot be opened.
func New(ctx context.Context, cfg Config, deps Deps) (*App, error) {
	if cfg.SendRate < 0 {
		return nil, fmt.Errorf("-send-rate is %d, want 0 or more", cfg.SendRate)
	}
	env := deps.For(peer.MessageService)
	repo := deps.Repository
	if repo == nil {
		var err error
		if repo, err = OpenMongo(ctx, string(cfg.MongoURI), env.Registerer); err != nil {
			return nil, err
		}
	}
	a := &App{
		env: env, repo: repo, verifier: token.NewVerifier(env.Peers, env.Log),
		announcer: newAnnouncer(env.Broker, env.Log, env.Tracer, env.Registerer),
		raiser:    newRaiser(repo, env.Peers, env.Log, env.Registerer),
		members:   newMembers(env.Peers),
	}
	a.service = limited{
		Service: &service{repo: repo, committer: newCommitter(repo, a.committed), members: a.members, raiser: a.raiser},
		limiter: env.Limiter, rule: cfg.writes(),
	}
	a.endpoints = NewEndpoints(a.service, env.NewChain(peer.MessageService, a.verifier))
	return a, nil
}

// committed passes on what a batch has stored.
func (a *App) committed(conversationID string, stored []Outcome) {
	events := make([]chat.Event, len(stored))
	for i, o := range stored {
		events[i] = o.Event()
	}
	a.announcer.add(conversationID, events)
	a.raiser.stored(conversationID, stored)
}

// Routes is the public route table.
func (a *App) Routes() []httpkit.Route {
	return publicRoutes(a.endpoints, httpkit.NewServer(a.env.Log))
}

// Peer is the service as the other services know it.
func (a *App) Peer() peer.Messages { return a.service }

// Public serves Routes.
func (a *App) Public() http.Handler { return a.env.PublicHandler(a.Routes()) }

// Internal serves the other services.
func (a *App) Internal() http.Handler {
	return a.env.InternalHandler(internalRoutes(a.endpoints, httpkit.NewServer(a.env.Log)))
}

// Ready asks the store, and whether tokens can be verified.
func (a *App) Ready(ctx context.Context) error {
	if err := a.verifier.Ready(); err != nil {
		return err
	}
	return a.repo.Ping(ctx)
}

// Degraded returns what is wrong with the broker: events come late then, and nothing is lost.
func (a *App) Degraded() error { return a.env.Broker.Trouble() }

// Run announces, raises heads, and keeps keys and members fresh until ctx ends; then it flushes.
func (a *App) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { a.verifier.Run(ctx, a.env.Broker) })
	group.Go(func() { a.members.run(ctx, a.env.Broker) })
	group.Go(func() { a.announcer.run(ctx) })
	group.Go(func() { a.raiser.run(ctx) })
	group.Wait()
	return nil
}

// Close closes the store.
func (a *App) Close() error { return a.repo.Close() }
