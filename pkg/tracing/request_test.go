package tracing_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/tracing"
)

// call calls another service as pkg/peer does.
func call(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"secret":"secret"}`))
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("Authorization", "Bearer secret")
	tracing.SetHeader(ctx, r.Header)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: tracing.Transport(transport)}).Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
}

func TestAPublicRequestGivesASpanThatItsRouteNames(t *testing.T) {
	for name, test := range map[string]struct {
		method, path, trace string
		status              int    // the handler's, and the answer's
		want                string // the span's name
		failed              bool
	}{
		"a request":                      {"GET", "/v1/things/7", "", 200, "GET /v1/things/{id}", false},
		"one of a client's trace":        {"GET", "/v1/things/7", sampled, 200, "GET /v1/things/{id}", false},
		"one that the client did wrong":  {"GET", "/v1/things/7", "", 429, "GET /v1/things/{id}", false},
		"one that fails":                 {"GET", "/v1/things/7", "", 500, "GET /v1/things/{id}", true},
		"one that cannot be done now":    {"GET", "/v1/things/7", sampled, 503, "GET /v1/things/{id}", true},
		"one that no route takes":        {"GET", "/v1/nothings", "", 404, "GET no route", false},
		"a method that no route takes":   {"PUT", "/v1/things/7", sampled, 405, "PUT no route", false},
		"a method that somebody made up": {"BREW", "/v1/things/7", "", 405, "no route", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := collect(t)
			var seen string
			status := ask(t, public(t, c.tracer(t, "a-svc", 1), "GET /v1/things/{id}", func(w http.ResponseWriter, r *http.Request) {
				seen = tracing.ID(r.Context())
				w.WriteHeader(test.status)
			}), test.method, test.path, test.trace)
			s := c.one(t)
			if s.Name != test.want || s.Kind != kindServer || s.Service != "a-svc" || (s.Status.Code == 2) != test.failed || !test.failed && s.Status.Code != 0 {
				t.Errorf("the span is %+v", s)
			}
			if status != test.status || s.Attributes.of("http.response.status_code") != fmt.Sprint(status) {
				t.Errorf("the answer is %d, the span is %+v", status, s)
			}
			if seen != "" && seen != s.TraceID || test.trace == "" && s.ParentSpanID != "" {
				t.Errorf("the handler saw the trace %q, the span is %+v", seen, s)
			}
			if test.trace != "" && (s.TraceID != traceID || s.ParentSpanID != parentID) {
				t.Errorf("the client's trace is %s, the span is %+v", test.trace, s)
			}
		})
	}
}

func TestAStrangersTraceIsNeitherGoneOnWithNorRecordedForHer(t *testing.T) {
	const recorded = "00-0000000000000001" + "0000000000000001-b7ad6b7169203331-01" // by its id, at any ratio
	for name, test := range map[string]struct {
		trusted string
		ratio   float64
		want    int
	}{
		"a stranger, at a ratio that records next to nothing": {"", 1e-9, 0},
		"a stranger, at ratio 1":                              {"", 1, 1},
		"a proxy":                                             {"127.0.0.0/8", 1e-9, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := collect(t)
			var seen string
			handler := publicBehind(t, test.trusted, c.tracer(t, "a-svc", test.ratio), "GET /v1/x", func(_ http.ResponseWriter, r *http.Request) {
				seen = tracing.ID(r.Context())
			})
			ask(t, handler, http.MethodGet, "/v1/x", recorded)
			spans := c.spans(t)
			if len(spans) != test.want {
				t.Fatalf("the spans are %+v", spans)
			}
			hers := recorded[3:35]
			if (seen == hers) != (test.trusted != "") {
				t.Errorf("the handler's trace is %s", seen)
			}
			for _, s := range spans {
				if linked := len(s.Links) == 1 && s.Links[0] == (link{hers, parentID}); s.TraceID != seen || linked != (seen != hers) || (s.ParentSpanID == parentID) != (seen == hers) {
					t.Errorf("the span is %+v", s)
				}
			}
		})
	}
}

func TestAPanicIsInItsSpan(t *testing.T) {
	c := collect(t)
	status := ask(t, public(t, c.tracer(t, "a-svc", 1), "GET /v1/things/{id}", func(http.ResponseWriter, *http.Request) { panic("secret") }), "GET", "/v1/things/7", "")
	if s := c.one(t); status != 500 || s.Name != "GET /v1/things/{id}" || s.Status.Code != 2 {
		t.Errorf("the answer is %d, the span is %+v", status, s)
	}
}

func TestAClientThatSendsTooMuchIsCutOffUnderATraceToo(t *testing.T) {
	c := collect(t)
	handler := public(t, c.tracer(t, "a-svc", 1), "POST /v1/things", httpkit.NewServer(slog.New(slog.DiscardHandler)).Handle(httpkit.Typed(
		func(context.Context, struct{ Text string }) (httpkit.Empty, error) { return httpkit.Empty{}, nil })).ServeHTTP)
	s := httptest.NewServer(handler)
	defer s.Close()
	answer, err := s.Client().Post(s.URL+"/v1/things", "application/json", strings.NewReader(`{"text":"`+strings.Repeat("x", 140<<10)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	c.one(t)
	if answer.StatusCode != http.StatusRequestEntityTooLarge || !answer.Close {
		t.Errorf("the answer is %d, the connection ends: %t", answer.StatusCode, answer.Close)
	}
}

func TestASpanHasNothingThatIsSecret(t *testing.T) {
	for name, test := range map[string]struct {
		target string
		want   string
	}{
		"a token in the path":                   {"/api/auth/reset-password/secret", "POST /api/auth/reset-password/{token}"},
		"a token in the query":                  {"/api/auth/reset-password/x?token=secret", "POST /api/auth/reset-password/{token}"},
		"a token in a path that no route takes": {"/api/auth/reset-password/secret/now?token=secret", "POST no route"},
		"a path that the mux redirects":         {"/api/auth//reset-password/secret", "POST /api/auth/reset-password/{token}"},
	} {
		t.Run(name, func(t *testing.T) {
			c := collect(t)
			tracer := c.tracer(t, "a-svc", 1)
			callee := httptest.NewServer(internal(t, tracer, "POST /internal/x", func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(w, r.Body)
			}))
			ask(t, public(t, tracer, "POST /api/auth/reset-password/{token}", func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(w, r.Body)
				call(r.Context(), t, callee.URL+"/internal/x")
			}), http.MethodPost, test.target, sampled)
			callee.Close()
			find(t, c.spans(t), "a-svc", test.want)
			if got := strings.Join(c.bodies, "\n"); strings.Contains(got, "secret") || strings.Contains(got, "reset-password/x") {
				t.Fatalf("the collector got %s", got)
			}
		})
	}
}

func TestSocketsGiveNoSpan(t *testing.T) {
	for target, want := range map[string]int{
		"/v1/ws": 0, "/v1/ws?token=x": 0, "/socket.io/": 0, "/socket.io/?EIO=4&transport=polling": 0, "/socket.io/x": 0,
		"/v1/ws/x": 1, "/v1/x": 1, "/socket.iox": 1,
	} {
		c := collect(t)
		served := false
		ask(t, public(t, c.tracer(t, "a-svc", 1), "/", func(http.ResponseWriter, *http.Request) { served = true }), http.MethodGet, target, sampled)
		if spans := c.spans(t); len(spans) != want || !served {
			t.Errorf("%s gives %+v; served: %v", target, spans, served)
		}
	}
}

func TestAnInternalRequestGivesASpanWhereItNamesATrace(t *testing.T) {
	for name, test := range map[string]struct {
		trace string
		want  int
	}{
		"no trace": {"", 0}, "what is no trace": {"00-x", 0}, "a trace": {sampled, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := collect(t)
			served := false
			ask(t, internal(t, c.tracer(t, "a-svc", 1), "POST /internal/x", func(http.ResponseWriter, *http.Request) { served = true }),
				http.MethodPost, "/internal/x", test.trace)
			spans := c.spans(t)
			if len(spans) != test.want || !served {
				t.Fatalf("the spans are %+v; served: %v", spans, served)
			}
			for _, s := range spans {
				if s.Name != "POST /internal/x" || s.Kind != kindServer || s.TraceID != traceID || s.ParentSpanID != parentID {
					t.Errorf("the span is %+v", s)
				}
			}
		})
	}
}

// chain asks a service that asks another one, and returns what the other one saw as its trace.
func chain(t *testing.T, front, back *tracing.Tracer, given string) (seen string) {
	t.Helper()
	callee := httptest.NewServer(internal(t, back, "POST /internal/x", func(_ http.ResponseWriter, r *http.Request) {
		seen = tracing.ID(r.Context())
	}))
	defer callee.Close()
	ask(t, public(t, front, "POST /v1/x", func(_ http.ResponseWriter, r *http.Request) {
		call(r.Context(), t, callee.URL+"/internal/x")
	}), http.MethodPost, "/v1/x", given)
	return seen
}

func TestOneTraceGoesThroughAllServices(t *testing.T) {
	c := collect(t)
	chain(t, c.tracer(t, "front", 1), c.tracer(t, "back", 1), "")
	spans := c.spans(t)
	if len(spans) != 3 {
		t.Fatalf("the spans are %+v", spans)
	}
	server, client, callee := find(t, spans, "front", "POST /v1/x"), find(t, spans, "front", "POST /internal/x"), find(t, spans, "back", "POST /internal/x")
	if server.Kind != kindServer || client.Kind != kindClient || callee.Kind != kindServer {
		t.Errorf("the spans are %+v", spans)
	}
	if server.ParentSpanID != "" || client.ParentSpanID != server.SpanID || callee.ParentSpanID != client.SpanID {
		t.Errorf("the parents are not the callers: %+v", spans)
	}
	if server.TraceID != client.TraceID || client.TraceID != callee.TraceID {
		t.Errorf("the traces differ: %+v", spans)
	}
}

func TestWhatIsNotRecordedHasATraceAllTheSame(t *testing.T) {
	c := collect(t)
	seen := chain(t, c.tracer(t, "front", 0), c.tracer(t, "back", 0), sampled)
	if spans := c.spans(t); len(spans) > 0 || seen != traceID {
		t.Fatalf("the callee saw the trace %q; the spans are %+v", seen, spans)
	}
}
