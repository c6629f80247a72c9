package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

// app has a public handler that the test gives, and an internal one that answers "internal".
type app struct {
	public http.Handler
	ready  error
	failed chan error // what Run returns before its context ends
	ended  bool       // Run saw its context end
}

func (a *app) Public() http.Handler { return a.public }

func (a *app) Internal() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "internal") })
}

func (a *app) Ready(context.Context) error { return a.ready }

func (a *app) Run(ctx context.Context) error {
	select {
	case err := <-a.failed:
		return err
	case <-ctx.Done():
		a.ended = true
		return nil
	}
}

func (a *app) Close() error { return nil }

// drainer is an app whose Drain waits for the test.
type drainer struct {
	*app
	draining, drained chan struct{}
}

func (d *drainer) Drain(context.Context) {
	close(d.draining)
	<-d.drained
}

// degradable is an app that lacks something.
type degradable struct {
	*app
	lacks error
}

func (d *degradable) Degraded() error { return d.lacks }

// running is a program under test. Its addresses are base URLs.
type running struct {
	public, internal, admin string
	stop                    context.CancelFunc
	ended                   chan error // Serve's outcome
}

func serve(t *testing.T, a server.App) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	c := &server.Config{HTTPAddr: "127.0.0.1:0", InternalAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0"}
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "confab_test_things", Help: "Things."}))
	var log bytes.Buffer
	greeted := make(chan net.Addr, 1)
	r := &running{stop: stop, ended: make(chan error, 1)}
	go func() {
		r.ended <- server.Serve(ctx, c, a, registry, slog.New(slog.NewJSONHandler(&log, nil)), func(public net.Addr) {
			r.read(t, &log)
			greeted <- public
		})
	}()
	if public := <-greeted; r.public != "http://"+public.String() {
		t.Fatalf("greeted with %v, and the log has %s", public, r.public)
	}
	return r
}

// read takes the addresses from the log, as an operator does.
func (r *running) read(t *testing.T, log io.Reader) {
	for d := json.NewDecoder(log); d.More(); {
		var line struct{ Listener, Address string }
		if err := d.Decode(&line); err != nil {
			t.Error(err)
		}
		switch url := "http://" + line.Address; line.Listener {
		case "public":
			r.public = url
		case "internal":
			r.internal = url
		case "admin":
			r.admin = url
		}
	}
}

// end stops the program and wants it to end in order.
func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Fatalf("the end: %v", err)
	}
}

func (r *running) readiness(t *testing.T, status int) string {
	t.Helper()
	h := servertest.Want[struct{ Status, Reason string }](t, status, servertest.Call(t, http.MethodGet, r.admin+"/readyz", "", nil))
	return strings.TrimSpace(h.Status + " " + h.Reason)
}

func (r *running) wantMetric(t *testing.T, line string) {
	t.Helper()
	if got := servertest.Call(t, http.MethodGet, r.admin+"/metrics", "", nil); !strings.Contains(got.Body, "\n"+line+"\n") {
		t.Errorf("the metrics are %s, want %s", got.Body, line)
	}
}

func TestProgramListensOnThreeAddresses(t *testing.T) {
	a := &app{public: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "public") })}
	r := serve(t, a)
	for url, want := range map[string]string{
		r.public: "public", r.internal: "internal", r.public + "/metrics": "public",
		r.admin + "/healthz": `{"status":"ok"}` + "\n", r.admin + "/readyz": `{"status":"ready"}` + "\n",
	} {
		if got := servertest.Call(t, http.MethodGet, url, "", nil); got.Status != http.StatusOK || got.Body != want {
			t.Errorf("%s answers %d %q", url, got.Status, got.Body)
		}
	}
	r.wantMetric(t, "confab_test_things 0")
	if got := servertest.Call(t, http.MethodGet, r.admin+"/debug/pprof/", "", nil); got.Status != http.StatusNotFound {
		t.Errorf("without -pprof it answers %d", got.Status)
	}
	r.end(t)
	if !a.ended {
		t.Error("the app's background work was not ended")
	}
}

func TestReadinessSaysWhatIsMissing(t *testing.T) {
	r := serve(t, &app{ready: errors.New("MongoDB does not answer")})
	defer r.end(t)
	if got := r.readiness(t, http.StatusServiceUnavailable); got != "unready MongoDB does not answer" {
		t.Fatalf("it says %q", got)
	}
	if got := servertest.Call(t, http.MethodGet, r.admin+"/healthz", "", nil); got.Status != http.StatusOK {
		t.Fatalf("the process lives, and /healthz answers %d", got.Status)
	}
}

func TestEndWaitsForConnectionsAndRequests(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	a := &app{public: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-release
		}
		_, _ = io.WriteString(w, "done")
	})}
	d := &drainer{app: a, draining: make(chan struct{}), drained: make(chan struct{})}
	r := serve(t, d)
	answers := make(chan servertest.Answer, 1)
	go func() {
		defer close(answers)
		answers <- servertest.Call(t, http.MethodGet, r.public+"/slow", "", nil)
	}()
	<-entered

	r.wantMetric(t, "confab_draining 0")
	r.stop()
	<-d.draining
	if got := r.readiness(t, http.StatusServiceUnavailable); got != "stopping" {
		t.Fatalf("while it stops, /readyz says %q", got)
	}
	r.wantMetric(t, "confab_draining 1")
	if got := servertest.Call(t, http.MethodGet, r.public, "", nil); got.Body != "done" {
		t.Fatalf("while it drains, a request gets %+v", got)
	}
	close(d.drained)
	for refused := false; !refused; { // the listeners close after the drain
		connection, err := net.Dial("tcp", strings.TrimPrefix(r.public, "http://"))
		if refused = err != nil; !refused {
			_ = connection.Close()
		}
	}
	if got := r.readiness(t, http.StatusServiceUnavailable); got != "stopping" {
		t.Fatalf("until the last request is done, /readyz says %q", got)
	}
	close(release)
	if got := <-answers; got.Body != "done" {
		t.Fatalf("the request under way gets %+v", got)
	}
	if err := <-r.ended; err != nil || !a.ended {
		t.Fatalf("the end: %v, background work ended: %v", err, a.ended)
	}
}

func TestAProgramThatIsDegradedIsReadyAndSaysWhatItLacks(t *testing.T) {
	d := &degradable{app: &app{}, lacks: errors.New("redis does not answer")}
	r := serve(t, d)
	if got := r.readiness(t, http.StatusOK); got != "degraded redis does not answer" {
		t.Errorf("/readyz says %q", got)
	}
	d.lacks = nil
	if got := r.readiness(t, http.StatusOK); got != "ready" {
		t.Errorf("/readyz says %q", got)
	}
	d.ready = errors.New("MongoDB does not answer")
	d.lacks = errors.New("redis does not answer")
	if got := r.readiness(t, http.StatusServiceUnavailable); got != "unready MongoDB does not answer" {
		t.Errorf("/readyz says %q", got)
	}
	r.end(t)
}

func TestProgramEndsWithTheAppsError(t *testing.T) {
	broken := errors.New("the walk is broken")
	for name, test := range map[string]struct {
		outcome error
		want    string
	}{
		"an error": {broken, broken.Error()},
		"no error": {nil, "the app ended by itself"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &app{failed: make(chan error, 1)}
			r := serve(t, a)
			a.failed <- test.outcome
			if err := <-r.ended; err == nil || err.Error() != test.want {
				t.Fatalf("the end: %v, want %q", err, test.want)
			}
		})
	}
}

func TestTakenAddressIsNamedAndTheOthersAreGivenBack(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	for name, c := range map[string]server.Config{
		"public":   {HTTPAddr: taken.Addr().String(), AdminAddr: address},
		"internal": {HTTPAddr: address, InternalAddr: taken.Addr().String(), AdminAddr: "127.0.0.1:0"},
		"admin":    {HTTPAddr: address, AdminAddr: taken.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			err := server.Serve(t.Context(), &c, &app{}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler), func(net.Addr) {})
			if err == nil || !strings.Contains(err.Error(), "the "+name+" address") || !strings.Contains(err.Error(), taken.Addr().String()) {
				t.Fatalf("the error is %v", err)
			}
			again, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatalf("an address stays taken: %v", err)
			}
			_ = again.Close()
		})
	}
}
