// Package check is `confab check`: it finds out whether a deployment brings a message to whom it is for.
package check

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/confab-chat/confab/pkg/config"
)

// Config says what to check.
type Config struct {
	URL      string
	Gateways string // host:port; empty: URL is one
	Wait     time.Duration
}

// RegisterFlags adds the flags to fs.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&c.URL, "url", "http://localhost:3000", "`URL` of the deployment")
	fs.StringVar(&c.Gateways, "gateways", "", "`host:port` of realtime-svc: the message has to come through each address of that name; without it, through -url")
	fs.DurationVar(&c.Wait, "wait", time.Minute, "`time` until it must have come")
}

// Command runs `confab check` and returns the exit code: 0 it works, 1 it does not, 2 called wrongly.
func Command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cfg Config
	fs := flag.NewFlagSet("confab check", flag.ContinueOnError)
	fs.SetOutput(stdout)
	cfg.RegisterFlags(fs)
	switch err := config.Parse(fs, args, os.Getenv); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, "\nTwo users are registered, one of whom sends the other a message. They stay, under addresses of check.invalid.\n")
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "confab check: %v\nTry confab check -h.\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, cfg.Wait)
	defer cancel()
	if err := run(ctx, cfg, stdout); err != nil {
		fmt.Fprintf(stderr, "confab check: %v\n", err)
		return 1
	}
	return 0
}
