package web_test

import (
	"context"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/web"
)

// front is a running web.
type front struct {
	url      string
	registry *prometheus.Registry
	stop     func() error // as SIGTERM does; again, it returns nil
}

// options are what the tests differ in.
type options struct {
	auth, conversation, message, realtime config.List // URLs; empty: nobody listens there
	trusted                               string
	drain                                 time.Duration
	prepare                               func(*web.App)
}

// run serves web as its program does, until the test ends.
func run(t *testing.T, o options) *front {
	t.Helper()
	env := servertest.Env(t, nil)
	if err := env.HTTP.TrustedProxies.Set(o.trusted); err != nil {
		t.Fatal(err)
	}
	f := &front{registry: prometheus.NewRegistry()}
	env.Registerer = f.registry
	app, err := web.New(web.Config{
		AuthURLs: orNobody(t, o.auth), ConversationURLs: orNobody(t, o.conversation),
		MessageURLs: orNobody(t, o.message), RealtimeURLs: orNobody(t, o.realtime), Drain: o.drain,
	}, env)
	if err != nil {
		t.Fatal(err)
	}
	if o.prepare != nil {
		o.prepare(app)
	}
	ctx, cancel := context.WithCancel(context.Background())
	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	cfg := &server.Config{HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0"}
	go func() {
		ended <- server.Serve(ctx, cfg, app, f.registry, env.Log, func(public net.Addr) { listening <- public })
	}()
	f.stop = sync.OnceValue(func() error {
		cancel()
		err := <-ended
		_ = app.Close() // returns nil
		return err
	})
	t.Cleanup(func() {
		if err := f.stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case address := <-listening:
		f.url = "http://" + address.String()
	case err := <-ended:
		t.Fatal(err)
	}
	return f
}

func orNobody(t *testing.T, urls config.List) config.List {
	if len(urls) > 0 {
		return urls
	}
	return config.List{nobody(t)}
}

// nobody returns a URL where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// blackHole returns a URL where connections are neither taken nor refused, as of a host that has vanished.
func blackHole(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 0) }); err != nil { // nobody more may wait to be accepted
		t.Fatal(err)
	}
	for range 10 {
		c, err := net.DialTimeout("tcp", l.Addr().String(), 100*time.Millisecond)
		if err != nil {
			return "http://" + l.Addr().String()
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Fatal("this system lets connections wait, however many")
	return ""
}

// replica is an upstream that counts its requests.
type replica struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

// answering starts a replica. Without a handler it answers its name.
func answering(t *testing.T, name string, handler http.HandlerFunc) *replica {
	t.Helper()
	r := &replica{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, request)
		r.mu.Unlock()
		if handler == nil {
			_, _ = w.Write([]byte(name))
			return
		}
		handler(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *replica) seen() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// count returns a counter or gauge, 0 where there is none with these labels.
func (f *front) count(t *testing.T, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			has := map[string]string{}
			for _, l := range m.GetLabel() {
				has[l.GetName()] = l.GetValue()
			}
			labels["service"] = "web"
			if family.GetName() == name && maps.Equal(has, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}
