// Package terminal is `confab chat`: a client of Confab for people at a shell.
package terminal

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/confab-chat/confab/pkg/client"
	"github.com/confab-chat/confab/pkg/config"
)

// Config says where to log in, and as whom. What it lacks is asked for.
type Config struct {
	URL      string
	Email    string
	Password config.Secret
	Register string // the names of a new account; empty: log in
}

// RegisterFlags adds the flags to fs.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&c.URL, "url", "http://localhost:3000", "the server")
	fs.StringVar(&c.Email, "email", "", "the address to log in with; without it you are asked")
	fs.Var(&c.Password, "password", "the password, better kept out of sight in CONFAB_PASSWORD; without it you are asked")
	fs.StringVar(&c.Register, "register", "", "make an account under this `name`, such as \"Ann Lee\"")
}

// Command runs `confab chat` and returns the exit code: 0 at the end, 1 failed, 2 called wrongly.
func Command(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var cfg Config
	fs := flag.NewFlagSet("confab chat", flag.ContinueOnError)
	fs.SetOutput(stdout)
	cfg.RegisterFlags(fs)
	switch err := config.Parse(fs, args, os.Getenv); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, "\nLines that you type are sent; these are commands:\n\n", help, "\nIt also takes its lines from a pipe.\n")
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "confab chat: %v\nTry confab chat -h.\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, cfg, stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "confab chat: %s\n", plain(err.Error()))
		return 1
	}
	return 0
}

func run(ctx context.Context, cfg Config, stdin io.Reader, stdout io.Writer) error {
	c, err := client.New(client.Options{URL: cfg.URL, UserAgent: "confab chat"})
	if err != nil {
		return err
	}
	screen, restore, err := open(stdin, stdout)
	if err != nil {
		return err
	}
	defer restore()
	asked := make(chan error, 1)
	var me client.Profile
	go func() { // reading cannot be interrupted: what waits for input ends with the process
		var err error
		me, err = enter(ctx, c, cfg, screen)
		asked <- err
	}()
	select {
	case err := <-asked:
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return reached(cfg.URL, err)
		}
	case <-ctx.Done():
		return nil
	}
	return chatAs(ctx, c, me, screen)
}
