package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/allinone"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/server"
)

// confab is all of Confab in this process.
type confab struct {
	url      string
	dir      string
	log      *logged
	registry *prometheus.Registry
	app      *allinone.App
	cancel   context.CancelFunc
	ended    chan error
}

// own starts a Confab for one test, with flags beside those of start. It runs until the test ends.
func own(t *testing.T, flags ...string) *confab {
	t.Helper()
	c, err := start(t.TempDir(), flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(c.stop(), verdict(c.log.String())); err != nil {
			t.Error(err)
		}
	})
	return c
}

// start runs Confab on a data directory and waits until it is ready. It believes X-Forwarded-For, so that each visitor has an address.
func start(dir string, flags ...string) (*confab, error) {
	var own allinone.Config
	cfg := server.Config{HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0"}
	fs := flag.NewFlagSet("confab", flag.ContinueOnError)
	cfg.RegisterFlags(fs)
	own.RegisterFlags(fs)
	flags = append([]string{"-data-dir", dir, "-trusted-proxies", "127.0.0.0/8", "-send-rate", "0", "-start-limit", "0", "-drain", "0"}, flags...)
	if err := config.Parse(fs, flags, func(string) string { return "" }); err != nil {
		return nil, err
	}
	c := &confab{dir: dir, log: &logged{}, registry: prometheus.NewRegistry(), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	log := cfg.NewLog(c.log)
	app, err := allinone.New(ctx, own, server.Env{Log: log, Registerer: c.registry, HTTP: cfg.HTTP})
	if err != nil {
		cancel()
		return nil, err
	}
	c.app = app
	listening := make(chan net.Addr, 1)
	go func() {
		err := server.Serve(ctx, &cfg, app, c.registry, log, func(public net.Addr) { listening <- public })
		c.ended <- errors.Join(err, app.Close())
	}()
	select {
	case address := <-listening:
		c.url = "http://" + address.String()
	case err := <-c.ended:
		cancel()
		return nil, err
	}
	if err := c.waitReady(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *confab) waitReady(ctx context.Context) error {
	var err error
	for range 500 {
		if err = c.app.Ready(ctx); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond) // readiness has no event to wait for
	}
	return errors.Join(fmt.Errorf("not ready after 5 s: %w", err), c.stop())
}

// stop ends Confab as SIGTERM does.
func (c *confab) stop() error {
	c.cancel()
	return <-c.ended
}

// mailFile is where mails go.
func (c *confab) mailFile() string { return filepath.Join(c.dir, "mail.log") }

// logged is a log kept in memory.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// verdict returns an error where a request failed or panicked, or where the log holds what it must not: the suite asks for
// nothing that is the server's fault, its users' addresses are all at example.com, its tokens are JWTs and its messages say "secret".
func verdict(log string) error {
	lines := bufio.NewScanner(strings.NewReader(log))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		for _, mustNot := range []string{`"level":"ERROR"`, `"stack"`, "goroutine ", "example.com", "eyJ", secret} {
			if strings.Contains(lines.Text(), mustNot) {
				return fmt.Errorf("the log holds %q: %s", mustNot, lines.Text())
			}
		}
	}
	return lines.Err()
}

// secret is in every message of the suite.
const secret = "psst-secret"
