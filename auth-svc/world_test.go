package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/server"
)

const password = "correct horse battery"

var requestIDs = regexp.MustCompile(`"request_id":"[^"]*"`)

// world is a service with a store of its own.
type world struct {
	t        *testing.T
	app      *auth.App
	env      server.Env
	registry *prometheus.Registry
	config   auth.Config
	repo     auth.Repository
	log      *logBuffer
}

// newWorld makes a service that does not run: it verifies no access token and sends no mail.
func newWorld(t *testing.T, repo auth.Repository, configure func(*auth.Config)) *world {
	t.Helper()
	w := &world{t: t, repo: repo, registry: prometheus.NewRegistry(), log: &logBuffer{}}
	w.config.RegisterFlags(flag.NewFlagSet("auth-svc", flag.ContinueOnError))
	w.config.RegisterRate, w.config.LoginRate = 0, 0
	w.config.MailFile = filepath.Join(t.TempDir(), "mail.log")
	if configure != nil {
		configure(&w.config)
	}
	w.env = newEnv(w.log, w.registry)
	app, err := auth.New(t.Context(), w.config, auth.Deps{Env: w.env, Repository: repo})
	if err != nil {
		t.Fatal(err)
	}
	w.app = app
	return w
}

func newEnv(log io.Writer, registerer prometheus.Registerer) server.Env {
	env := server.Env{
		Log: slog.New(slog.NewJSONHandler(log, nil)), Registerer: registerer, Broker: broker.NewMemory(), Limiter: ratelimit.NewMemory(),
		Peers: &peer.Peers{}, ServiceKeys: peer.Keys{[]byte("a key that the services of this test share")},
	}
	env.HTTP.AllowedOrigins = []string{"http://localhost:8080"}
	return env
}

// start makes a service over SQLite and runs it until the test ends.
func start(t *testing.T, configure func(*auth.Config)) *world {
	t.Helper()
	w := newWorld(t, openSQLite(t)(t), configure)
	w.run()
	return w
}

func (w *world) run() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.app.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	})
	w.eventually("the service is ready", func() bool { return w.app.Ready(ctx) == nil })
}

// eventually waits until the condition holds.
func (w *world) eventually(what string, condition func() bool) {
	w.t.Helper()
	for range 1000 {
		if condition() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatalf("never: %s", what)
}

// together posts five times at once, and fails the test unless one is answered with won and the others with lost.
func (w *world) together(path string, body object, won, lost int) {
	w.t.Helper()
	statuses := make([]int, 5)
	var running sync.WaitGroup
	for i := range statuses {
		running.Go(func() { statuses[i] = w.call("POST", path, "", body).status })
	}
	running.Wait()
	slices.Sort(statuses)
	if want := []int{won, lost, lost, lost, lost}; !slices.Equal(statuses, want) {
		w.t.Errorf("got %v, want %v", statuses, want)
	}
}

type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// call sends a request to the public routes. A body that is no string is sent as JSON.
func (w *world) call(method, path, token string, body any) answer {
	w.t.Helper()
	r := w.request(method, path, body)
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	return w.serve(r)
}

// from sends a request from an address.
func (w *world) from(address, method, path string, body any) answer {
	w.t.Helper()
	r := w.request(method, path, body)
	r.RemoteAddr = address + ":1234"
	return w.serve(r)
}

func (w *world) request(method, path string, body any) *http.Request {
	w.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		text = string(encoded)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "test browser")
	return r
}

func (w *world) serve(r *http.Request) answer {
	recorder := httptest.NewRecorder()
	w.app.Public().ServeHTTP(recorder, r)
	return answer{t: w.t, status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
}

// want fails the test where the answer has another status, or another code in its problem; an empty code is not compared.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.status != status || code != "" && a.code() != code {
		a.t.Fatalf("got %d %s, want %d %s", a.status, a.body, status, code)
	}
	return a
}

func (a answer) code() string {
	var problem struct{ Code string }
	_ = json.Unmarshal([]byte(a.body), &problem)
	return problem.Code
}

// decode reads the answer's JSON.
func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

type object = map[string]any

// register makes a user and returns her first session.
func (w *world) register(email string) auth.Tokens {
	w.t.Helper()
	return decode[auth.Tokens](w.call("POST", "/v1/auth/register", "",
		object{"email": email, "password": password, "first_name": "Ann", "last_name": "Arbor"}).want(201, ""))
}

func (w *world) login(email, password string) answer {
	w.t.Helper()
	return w.call("POST", "/v1/auth/login", "", object{"email": email, "password": password})
}

func (w *world) refresh(token string) answer {
	w.t.Helper()
	return w.call("POST", "/v1/auth/refresh", "", object{"refresh_token": token})
}

func bearer(t auth.Tokens) string { return "Bearer " + t.AccessToken }

// mails returns what the mail file holds.
func (w *world) mails() string {
	content, err := os.ReadFile(w.config.MailFile)
	if err != nil && !os.IsNotExist(err) {
		w.t.Fatal(err)
	}
	return string(content)
}

var links = regexp.MustCompile(`(?m)^http://localhost:3000/reset-password/([A-Za-z0-9_-]{43})\r$`)

// forgot asks for a reset link and returns the token in it.
func (w *world) forgot(email string) string {
	w.t.Helper()
	before := len(links.FindAllString(w.mails(), -1))
	w.call("POST", "/v1/auth/password/forgot", "", object{"email": email}).want(204, "")
	var found [][]string
	w.eventually("a mail with a link", func() bool {
		found = links.FindAllStringSubmatch(w.mails(), -1)
		return len(found) > before
	})
	return found[len(found)-1][1]
}

// metric returns the sum of a counter, or the count of a histogram, over all its labels.
func (w *world) metric(name string) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			sum += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// logBuffer is a log that tests can read.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

var _ io.Writer = (*logBuffer)(nil)

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
