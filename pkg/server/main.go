package server

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/tracing"
)

// Program is what a main function says of itself.
type Program struct {
	Name          string
	About         string // what it is, in a sentence that follows its name; printed behind the flags for -h
	Config        Config // holds the addresses' defaults
	RegisterFlags func(*flag.FlagSet)
	// New makes the app; the Env lacks what the program itself brings (broker, limiter, peers).
	New func(ctx context.Context, env Env) (App, error)
	// Greeting, where set, returns what to print once the public listener is bound to an address that a browser can use.
	Greeting func(address string) string
	Usage    string // printed behind that
}

// Main runs the program until SIGTERM or SIGINT and exits: 0 after an orderly end, 1 after an error, 2 for wrong flags.
func Main(p Program) {
	fs := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	fs.SetOutput(os.Stdout)
	version := fs.Bool("version", false, "print the version and exit")
	p.Config.RegisterFlags(fs)
	p.RegisterFlags(fs)
	switch err := config.Parse(fs, os.Args[1:], os.Getenv); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Printf("\n%s %s\n%s", p.Name, p.About, p.Usage)
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "%s: %v\nTry %s -h.\n", p.Name, err, p.Name)
		os.Exit(2)
	case *version:
		fmt.Println(p.Name, Version)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := p.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
		os.Exit(1)
	}
}

func (p *Program) run(ctx context.Context) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	log := p.Config.NewLog(os.Stderr)
	tracer, err := tracing.New(p.Config.Tracing, p.Name, Version, log)
	if err != nil {
		return err
	}
	defer tracer.Close(context.WithoutCancel(ctx))
	app, err := p.New(ctx, Env{Log: log, Registerer: registry, HTTP: p.Config.HTTP, Tracer: tracer})
	if err != nil {
		return err
	}
	registry.MustRegister(newBuildInfo(p.Name), newDegradedGauge(app))
	return errors.Join(Serve(ctx, &p.Config, app, registry, log, p.greet), app.Close())
}

func (p *Program) greet(public net.Addr) {
	if p.Greeting == nil {
		return
	}
	host, port, _ := net.SplitHostPort(public.String()) // a listener's address has both
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	fmt.Println(p.Greeting(net.JoinHostPort(host, port)))
}
