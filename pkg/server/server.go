// Package server runs a program: its flags, its three listeners, health, metrics, and an orderly end.
package server

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/tracing"
)

// Version is set by the linker.
var Version = "dev"

// RequestTimeout bounds an endpoint's work; the listeners' own timeouts lie above it.
const RequestTimeout = 10 * time.Second

// requestsAtOnce bounds what clients have under way in one service, and what other services have: bodies of 128 KiB fill 256 MiB then.
const requestsAtOnce = 2000

// App is a service, or several composed.
type App interface {
	// Public and Internal are what the listeners serve; Internal is nil where there is none.
	Public() http.Handler
	Internal() http.Handler
	// Ready returns an error that says in one line what is missing. It asks the app's own stores, never another service.
	Ready(ctx context.Context) error
	// Run does the app's background work until ctx ends, and then what must not stay undone.
	Run(ctx context.Context) error
	// Close gives back what New opened.
	Close() error
}

// Drainer is an App with connections that outlive their requests. Drain turns new ones away, ends those there are within a time of its
// own, and returns. Meanwhile the process is unready and goes on serving requests.
type Drainer interface {
	Drain(ctx context.Context)
}

// Degradable is an App that goes on, and stays ready, without something that it would rather have.
type Degradable interface {
	// Degraded returns an error that says in one line what is missing, nil where nothing is.
	Degraded() error
}

// Addressed is an App whose replicas ask each other. It is told where they reach its internal listener, before anything is served.
type Addressed interface {
	SetInternalAddress(address netip.AddrPort)
}

// Env is what a process gives each of its services.
type Env struct {
	Log         *slog.Logger
	Registerer  prometheus.Registerer
	Broker      broker.Broker
	Limiter     ratelimit.Limiter
	Peers       *peer.Peers
	ServiceKeys peer.Keys
	HTTP        HTTPConfig
	Tracer      *tracing.Tracer
}

// For returns the Env of one service of the process: its log lines and metrics bear its name.
func (e Env) For(service string) Env {
	e.Log = e.Log.With("service", service)
	e.Registerer = prometheus.WrapRegistererWith(prometheus.Labels{"service": service}, e.Registerer)
	return e
}

// HTTPConfig is what all public listeners share.
type HTTPConfig struct {
	AllowedOrigins config.List // each as a browser sends it
	TrustedProxies prefixes
}

// RegisterFlags declares the flags.
func (c *HTTPConfig) RegisterFlags(fs *flag.FlagSet) {
	c.AllowedOrigins = config.List{"http://localhost:8080"}
	fs.Var((*origins)(&c.AllowedOrigins), "allowed-origins", "`origins` of pages that may call with credentials, separated by commas")
	fs.Var(&c.TrustedProxies, "trusted-proxies", "`networks` of the proxies whose X-Forwarded-For is believed, separated by commas")
}

// origins is a flag of comma-separated origins.
type origins config.List

func (o *origins) String() string { return (*config.List)(o).String() }

func (o *origins) Set(v string) error {
	var list config.List
	_ = list.Set(v) // a list takes any text
	for i, text := range list {
		u, err := url.Parse(text)
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
			return fmt.Errorf("%q is no origin: write scheme://host or scheme://host:port", text)
		}
		list[i] = u.Scheme + "://" + u.Host
	}
	*o = origins(list)
	return nil
}

// prefixes is a flag of comma-separated networks.
type prefixes []netip.Prefix

func (p *prefixes) String() string {
	var list config.List
	for _, prefix := range *p {
		list = append(list, prefix.String())
	}
	return list.String()
}

func (p *prefixes) Set(v string) error {
	var list config.List
	_ = list.Set(v) // a list takes any text
	*p = nil
	for _, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return err
		}
		*p = append(*p, prefix)
	}
	return nil
}

// Config is a program's listeners, log and traces.
type Config struct {
	HTTPAddr     string
	InternalAddr string // empty: no internal listener
	AdminAddr    string
	PProf        bool
	LogLevel     slog.Level
	HTTP         HTTPConfig
	Tracing      tracing.Config
}

// RegisterFlags declares the flags; the fields' present values are the addresses' defaults.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&c.HTTPAddr, "http-addr", c.HTTPAddr, "`address` of the public API")
	if c.InternalAddr != "" {
		fs.StringVar(&c.InternalAddr, "internal-addr", c.InternalAddr, "`address` that the other services call")
	}
	fs.StringVar(&c.AdminAddr, "admin-addr", c.AdminAddr, "`address` of /metrics, /healthz and /readyz")
	fs.BoolVar(&c.PProf, "pprof", false, "serve /debug/pprof/ on the admin address")
	fs.TextVar(&c.LogLevel, "log-level", slog.LevelInfo, "`level` of the log: debug, info, warn or error")
	c.HTTP.RegisterFlags(fs)
	c.Tracing.RegisterFlags(fs)
}
