// Package servertest runs a service in a test, on real listeners, and calls it.
package servertest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/server"
)

// ServiceKeys is the secret of the services under test.
var ServiceKeys = peer.Keys{[]byte("a secret of the services in tests")}

// Env returns what a process gives a service: a memory broker and limiter, a log that shows where the test fails.
func Env(t testing.TB, peers *peer.Peers) server.Env {
	return server.Env{
		Log:        slog.New(slog.NewJSONHandler(t.Output(), nil)),
		Registerer: prometheus.NewRegistry(), Broker: broker.NewMemory(), Limiter: ratelimit.NewMemory(),
		Peers: peers, ServiceKeys: ServiceKeys,
		HTTP: server.HTTPConfig{AllowedOrigins: config.List{"http://localhost:8080"}},
	}
}

// Service is a running service.
type Service struct {
	Public, Internal string // base URLs
}

// Start runs the app until the test ends, and waits until it is ready.
func Start(t testing.TB, app server.App) Service {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx) }()
	internal := httptest.NewServer(app.Internal())
	if a, ok := app.(server.Addressed); ok {
		a.SetInternalAddress(internal.Listener.Addr().(*net.TCPAddr).AddrPort())
	}
	public := httptest.NewServer(app.Public())
	t.Cleanup(func() {
		public.Close()
		internal.Close()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := app.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	var err error
	for range 500 {
		if err = app.Ready(ctx); err == nil {
			return Service{Public: public.URL, Internal: internal.URL}
		}
		time.Sleep(10 * time.Millisecond) // Ready has no event to wait for
	}
	t.Fatalf("not ready after 5 s: %v", err)
	return Service{}
}

// Answer is a response, read whole.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Call sends a request to url. A body that is a string goes as it is, others as JSON; the token may be empty.
func Call(t testing.TB, method, url, token string, body any) Answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, reader(t, body))
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: string(text)}
}

func reader(t testing.TB, body any) io.Reader {
	switch b := body.(type) {
	case nil:
		return http.NoBody
	case string:
		return strings.NewReader(b)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(encoded)
	}
}

// Want fails the test unless the answer has the status. It returns the answer's body decoded into T.
func Want[T any](t testing.TB, status int, a Answer) T {
	t.Helper()
	var v T
	if a.Status != status {
		t.Fatalf("status %d, want %d; the body is %s", a.Status, status, a.Body)
	}
	if a.Body != "" {
		if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
			t.Fatalf("%v in the body %s", err, a.Body)
		}
	}
	return v
}

// Problem is an error's body.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Field  string `json:"field"`
}
