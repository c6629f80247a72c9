package auth

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/token"
)

// Config is what an operator may change.
type Config struct {
	MongoURI         config.Secret
	TutorialTokenTTL time.Duration
	RegisterRate     int // an hour and address; zero: no limit
	LoginRate        int // a minute and address; zero: no limit
	AdminEmails      config.List
	ResetURL         string
	MailFile         string
	SMTP             SMTPConfig
}

// RegisterFlags declares the flags but that of the store.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	fs.DurationVar(&c.TutorialTokenTTL, "tutorial-token-ttl", 7*24*time.Hour, "`life` of the tokens of /api/auth")
	fs.IntVar(&c.RegisterRate, "register-rate", 60, "`number` of accounts that an address may register in an hour; 0: no limit")
	fs.IntVar(&c.LoginRate, "login-rate", 30, "`number` of logins that an address may try in a minute; 0: no limit")
	fs.Var(&c.AdminEmails, "admin-emails", "`addresses` whose users, where they exist when the program starts, become the admins, separated by commas")
	fs.StringVar(&c.ResetURL, "reset-url", "http://localhost:3000/reset-password/", "`URL` of the page that resets a password; the token is appended")
	fs.StringVar(&c.MailFile, "mail-file", "mail.log", "`file` that mails are written to until -smtp-addr is set")
	c.SMTP.RegisterFlags(fs)
}

// RegisterMongoFlags declares the flags of the store.
func (c *Config) RegisterMongoFlags(fs *flag.FlagSet) {
	c.MongoURI = "mongodb://127.0.0.1:27017/"
	fs.Var(&c.MongoURI, "mongo-uri", "`URI` of MongoDB, may hold a password")
}

func (c *Config) check() error {
	switch page, err := url.Parse(c.ResetURL); {
	case c.TutorialTokenTTL <= 0:
		return fmt.Errorf("-tutorial-token-ttl is %v: it must be above zero", c.TutorialTokenTTL)
	case c.RegisterRate < 0 || c.LoginRate < 0:
		return errors.New("-register-rate and -login-rate must not be below zero")
	case err != nil || page.Host == "":
		return fmt.Errorf("-reset-url is %q: it must be the whole URL of a page", c.ResetURL)
	}
	return nil
}

// Deps are what the service works with.
type Deps struct {
	server.Env
	Repository Repository // nil: New opens MongoDB at Config.MongoURI. Close closes it either way
}

const purgeEvery = 10 * time.Minute

// App is auth-svc, composed.
type App struct {
	repo     Repository
	service  *service
	verifier *token.Verifier
	broker   broker.Broker
	log      *slog.Logger
	routes   []httpkit.Route
	public   http.Handler
	internal http.Handler
}

var _ server.App = (*App)(nil)

// New makes the service. On the first start of all it makes the signing keys. It returns an error where the store cannot be
// reached or a flag is wrong.
func New(ctx context.Context, cfg Config, deps Deps) (*App, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	mailer, err := newMailer(cfg)
	if err != nil {
		return nil, err
	}
	env := deps.For(peer.AuthService)
	repo := deps.Repository
	if repo == nil {
		if repo, err = OpenMongo(ctx, string(cfg.MongoURI), env.Registerer); err != nil {
			return nil, err
		}
	}
	app, err := compose(ctx, cfg, env, repo, mailer)
	if err != nil {
		return nil, errors.Join(err, repo.Close())
	}
	return app, nil
}

func newMailer(cfg Config) (Mailer, error) {
	if cfg.SMTP.Addr == "" {
		return fileMailer{path: cfg.MailFile}, nil
	}
	return newSMTPMailer(cfg.SMTP)
}

func compose(ctx context.Context, cfg Config, env server.Env, repo Repository, mailer Mailer) (*App, error) {
	keys, err := newKeyring(ctx, repo)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	s := &service{
		repo: repo, keys: keys, hasher: newHasher(env.Registerer), broker: env.Broker, log: env.Log, tutorialTTL: cfg.TutorialTokenTTL,
		resets: newResetMails(repo, mailer, cfg.ResetURL, env.Log, env.Registerer),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "confab_sessions_ended_total", Help: "Sessions that were ended before they expired, by reason.",
		}, []string{"reason"}),
	}
	env.Registerer.MustRegister(s.ended)
	if err := s.appointAdmins(ctx, cfg.AdminEmails); err != nil {
		return nil, fmt.Errorf("-admin-emails: %w", err)
	}
	// It verifies its own tokens as the other services do, but asks itself in process.
	verifier := token.NewVerifier(&peer.Peers{Auth: s}, env.Log)
	endpoints := NewEndpoints(s, env.NewChain(peer.AuthService, verifier), cfg)
	front := httpkit.NewServer(env.Log)
	routes := publicRoutes(front, endpoints)
	return &App{
		repo: repo, service: s, verifier: verifier, broker: env.Broker, log: env.Log, routes: routes,
		public: env.PublicHandler(routes), internal: env.InternalHandler(internalRoutes(front, endpoints)),
	}, nil
}

// Routes returns the public route table.
func (a *App) Routes() []httpkit.Route { return a.routes }

// Peer returns the service for the others in this process.
func (a *App) Peer() peer.Auth { return a.service }

// Public serves the public routes.
func (a *App) Public() http.Handler { return a.public }

// Internal serves the other services.
func (a *App) Internal() http.Handler { return a.internal }

// Ready returns an error where the store cannot be reached or the keys are not loaded yet.
func (a *App) Ready(ctx context.Context) error {
	return errors.Join(a.repo.Ping(ctx), a.verifier.Ready())
}

// Degraded returns what is wrong with the broker: events come late then, and nothing is lost.
func (a *App) Degraded() error { return a.broker.Trouble() }

// Run refreshes keys and revocations, sends mails and clears the store until ctx ends, and then sends the mails that wait.
func (a *App) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { a.verifier.Run(ctx, a.broker) })
	running.Go(func() { a.service.keys.run(ctx, a.log) })
	running.Go(func() { a.service.resets.run(ctx) })
	running.Go(func() { every(ctx, purgeEvery, func() { a.purge(ctx) }) })
	running.Wait()
	return nil
}

func (a *App) purge(ctx context.Context) {
	if err := a.repo.Purge(ctx, chat.TimeOf(time.Now().Add(-tokenSlack))); err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "expired sessions not removed", "error", err.Error())
	}
}

// Close closes the repository.
func (a *App) Close() error { return a.repo.Close() }
