package tracing_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/tracing"
)

// The kinds of spans, as the protocol numbers them.
const (
	kindServer   = 2
	kindClient   = 3
	kindConsumer = 5
)

// What a client may send as its trace.
const (
	traceID    = "0af7651916cd43dd8448eb211c80319c"
	parentID   = "b7ad6b7169203331"
	sampled    = "00-" + traceID + "-" + parentID + "-01"
	notSampled = "00-" + traceID + "-" + parentID + "-00"
)

// collector plays a collector of OpenTelemetry.
type collector struct {
	*httptest.Server
	log     bytes.Buffer // of the Tracers that send to it
	tracers []*tracing.Tracer
	mu      sync.Mutex
	came    []*http.Request
	bodies  []string
}

// span is what the collector got of one.
type span struct {
	TraceID      string `json:"traceId"`
	SpanID       string `json:"spanId"`
	ParentSpanID string `json:"parentSpanId"`
	Name         string `json:"name"`
	Kind         int    `json:"kind"`
	Status       struct {
		Code int `json:"code"`
	} `json:"status"`
	Attributes keyValues `json:"attributes"`
	Links      []link    `json:"links"`
	Service    string    `json:"-"` // the resource's name
}

type link struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
}

type keyValues []struct {
	Key   string            `json:"key"`
	Value map[string]string `json:"value"`
}

// collect starts a collector that answers {}, and stops it when the test ends.
func collect(t *testing.T) *collector {
	t.Helper()
	return collectAnd(t, func(w http.ResponseWriter) { _, _ = io.WriteString(w, "{}") })
}

func collectAnd(t *testing.T, answer func(http.ResponseWriter)) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		c.came, c.bodies = append(c.came, r), append(c.bodies, string(body))
		c.mu.Unlock()
		answer(w)
	}))
	t.Cleanup(c.Close)
	return c
}

// tracer returns the Tracer of a program that sends to the collector.
func (c *collector) tracer(t *testing.T, program string, ratio float64) *tracing.Tracer {
	t.Helper()
	return c.tracerTo(t, c.URL, program, ratio)
}

func (c *collector) tracerTo(t *testing.T, endpoint, program string, ratio float64) *tracing.Tracer {
	t.Helper()
	cfg := tracing.Config{Endpoint: config.Secret(endpoint), Ratio: ratio}
	tracer, err := tracing.New(cfg, program, "v1.2.3", slog.New(slog.NewJSONHandler(&c.log, nil)))
	if err != nil || tracer == nil {
		t.Fatalf("the Tracer is %v, %v", tracer, err)
	}
	c.tracers = append(c.tracers, tracer)
	return tracer
}

// received ends the programs, and returns the bodies that the collector got from them.
func (c *collector) received(t *testing.T) []string {
	t.Helper()
	for _, tracer := range c.tracers {
		tracer.Close(t.Context())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bodies
}

// spans ends the programs, and returns what the collector got from them.
func (c *collector) spans(t *testing.T) []span {
	t.Helper()
	var spans []span
	for _, body := range c.received(t) {
		var request struct {
			ResourceSpans []struct {
				Resource   struct{ Attributes keyValues }
				ScopeSpans []struct{ Spans []span }
			}
		}
		if err := json.Unmarshal([]byte(body), &request); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, s := range scope.Spans {
					s.Service = resource.Resource.Attributes.of("service.name")
					spans = append(spans, s)
				}
			}
		}
	}
	return spans
}

// one ends the programs, and returns the only span that the collector got.
func (c *collector) one(t *testing.T) span {
	t.Helper()
	spans := c.spans(t)
	if len(spans) != 1 {
		t.Fatalf("%d spans came, want 1: %+v", len(spans), spans)
	}
	return spans[0]
}

func (k keyValues) of(key string) string {
	for _, a := range k {
		if a.Key == key {
			return a.Value["stringValue"] + a.Value["intValue"]
		}
	}
	return ""
}

// find returns the only span of the service that has the name.
func find(t *testing.T, spans []span, service, name string) (found span) {
	t.Helper()
	n := 0
	for _, s := range spans {
		if s.Service == service && s.Name == name {
			found, n = s, n+1
		}
	}
	if n != 1 {
		t.Fatalf("%d spans of %s are named %q: %+v", n, service, name, spans)
	}
	return found
}

// public returns a program's public handler behind a proxy, internal its internal one.
func public(t *testing.T, tracer *tracing.Tracer, pattern string, h http.HandlerFunc) http.Handler {
	t.Helper()
	return publicBehind(t, "127.0.0.0/8", tracer, pattern, h)
}

func publicBehind(t *testing.T, proxies string, tracer *tracing.Tracer, pattern string, h http.HandlerFunc) http.Handler {
	t.Helper()
	env := servertest.Env(t, nil)
	env.Tracer = tracer
	if err := env.HTTP.TrustedProxies.Set(proxies); err != nil {
		t.Fatal(err)
	}
	return env.PublicHandler([]httpkit.Route{{Pattern: pattern, Handler: h}})
}

func internal(t *testing.T, tracer *tracing.Tracer, pattern string, h http.HandlerFunc) http.Handler {
	t.Helper()
	env := servertest.Env(t, nil)
	env.Tracer = tracer
	return env.InternalHandler([]httpkit.Route{{Pattern: pattern, Handler: h}})
}

// ask sends a request in the trace, if any, to a server of the handler, and ends the server. It returns the answer's status.
func ask(t *testing.T, h http.Handler, method, target, trace string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(`{"password":"secret"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer secret")
	if trace != "" {
		r.Header.Set("Traceparent", trace)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	r.URL.Scheme, r.URL.Host = "http", s.Listener.Addr().String()
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode
}
