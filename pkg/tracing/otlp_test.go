package tracing_test

import (
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/goleak"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFlagsConfigureTheTraces(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want tracing.Config
	}{
		"no flag": {nil, tracing.Config{Ratio: 0.01}},
		"all":     {[]string{"-trace-endpoint", "http://c:4318", "-trace-ratio", "1"}, tracing.Config{Endpoint: "http://c:4318", Ratio: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			fs := flag.NewFlagSet("confab", flag.ContinueOnError)
			var c tracing.Config
			c.RegisterFlags(fs)
			if err := config.Parse(fs, test.args, func(string) string { return "" }); err != nil || c != test.want {
				t.Fatalf("the configuration is %+v, %v", c, err)
			}
		})
	}
}

func TestWrongConfigurationIsRefusedWithoutItsPassword(t *testing.T) {
	const endpoint = "http://user:secret@collector:4318"
	for name, test := range map[string]struct {
		config tracing.Config
		flag   string
	}{
		"an address without a scheme": {tracing.Config{Endpoint: "collector:4318"}, "-trace-endpoint"},
		"a host alone":                {tracing.Config{Endpoint: "secret"}, "-trace-endpoint"},
		"no host":                     {tracing.Config{Endpoint: "http:///secret"}, "-trace-endpoint"},
		"another scheme":              {tracing.Config{Endpoint: "grpc://user:secret@collector:4317"}, "-trace-endpoint"},
		"what is no URL":              {tracing.Config{Endpoint: "http://user:secret@collector:port"}, "-trace-endpoint"},
		"a ratio below 0":             {tracing.Config{Endpoint: endpoint, Ratio: -0.1}, "-trace-ratio"},
		"a ratio above 1":             {tracing.Config{Endpoint: endpoint, Ratio: 1.1}, "-trace-ratio"},
		"a ratio that is no number":   {tracing.Config{Endpoint: endpoint, Ratio: math.NaN()}, "-trace-ratio"},
	} {
		t.Run(name, func(t *testing.T) {
			tracer, err := tracing.New(test.config, "a-svc", "v1", slog.New(slog.DiscardHandler))
			if tracer != nil || err == nil || !strings.Contains(err.Error(), test.flag) || strings.Contains(err.Error(), "secret") {
				t.Fatalf("the Tracer is %v, the error %v", tracer, err)
			}
		})
	}
}

func TestEndpointSaysWhereSpansGoAndWhoSendsThem(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://HOST":                                "POST /v1/traces",
		"http://HOST/":                               "POST /v1/traces",
		"http://HOST/otlp/v1/traces":                 "POST /otlp/v1/traces",
		"http://HOST/ingest/?of=us":                  "POST /ingest/?of=us",
		"http://ann:a%20secret@HOST":                 "POST /v1/traces by ann, a secret",
		"http://ann:a%20secret@HOST/otlp/v1/traces/": "POST /otlp/v1/traces/ by ann, a secret",
	} {
		t.Run(endpoint, func(t *testing.T) {
			c := collect(t)
			tracer := c.tracerTo(t, strings.Replace(endpoint, "HOST", c.Listener.Addr().String(), 1), "a-svc", 1)
			_, span := tracer.Root(t.Context(), "work", time.Now())
			span.End()
			c.one(t)
			r := c.came[0]
			got := r.Method + " " + r.RequestURI
			if user, password, ok := r.BasicAuth(); ok {
				got += " by " + user + ", " + password
			}
			if got != want || r.Header.Get("Content-Type") != "application/json" || c.log.Len() > 0 {
				t.Fatalf("the collector got %s of %s, want %s; the log is %s", got, r.Header.Get("Content-Type"), want, c.log.String())
			}
		})
	}
}

func TestCollectorGetsSpansAsTheProtocolHasThem(t *testing.T) {
	c := collect(t)
	tracer := c.tracer(t, "a-svc", 1)
	came := time.Now().Add(-time.Minute)
	ctx, root := tracer.Root(t.Context(), "work", came)
	_, child := tracing.Start(ctx, "a <part> of it")
	child.SetAttributes(attribute.String("what", "a \"thing\"\xff"), attribute.Int("bytes", 1<<53+1))
	child.End()
	_, bare := tracing.Start(ctx, "nothing to say")
	bare.End()
	tracing.Fail(root, fault.New(fault.Unavailable, "busy", "Try again."))
	root.End()

	bodies := c.received(t)
	if len(bodies) != 1 {
		t.Fatalf("the collector got %q", bodies)
	}
	host, _ := os.Hostname()
	times := regexp.MustCompile(`"(start|end)TimeUnixNano":"(\d{19})"`)
	got := times.ReplaceAllString(bodies[0], `"$1":"AT"`)
	got = strings.NewReplacer(
		root.SpanContext().TraceID().String(), "TRACE", root.SpanContext().SpanID().String(), "ROOT", child.SpanContext().SpanID().String(), "CHILD",
		bare.SpanContext().SpanID().String(), "BARE", host, "HOST",
	).Replace(got)
	const want = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.instance.id","value":{"stringValue":"HOST"}},` +
		`{"key":"service.name","value":{"stringValue":"a-svc"}},{"key":"service.version","value":{"stringValue":"v1.2.3"}}]},` +
		`"scopeSpans":[{"scope":{"name":"github.com/confab-chat/confab"},"spans":[` +
		`{"traceId":"TRACE","spanId":"CHILD","parentSpanId":"ROOT","name":"a \u003cpart\u003e of it","kind":1,"start":"AT","end":"AT",` +
		`"attributes":[{"key":"what","value":{"stringValue":"a \"thing\"\ufffd"}},{"key":"bytes","value":{"intValue":"9007199254740993"}}],"status":{}},` +
		`{"traceId":"TRACE","spanId":"BARE","parentSpanId":"ROOT","name":"nothing to say","kind":1,"start":"AT","end":"AT","attributes":[],"status":{}},` +
		`{"traceId":"TRACE","spanId":"ROOT","name":"work","kind":2,"start":"AT","end":"AT",` +
		`"attributes":[{"key":"error.type","value":{"stringValue":"busy"}}],"status":{"code":2,"message":"busy"}}]}]}]}`
	if got != want {
		t.Errorf("the collector got\n%s\nwant\n%s", got, want)
	}
	var at []int64 // start and end of each
	for _, match := range times.FindAllStringSubmatch(bodies[0], -1) {
		nanoseconds, _ := strconv.ParseInt(match[2], 10, 64) // 19 digits
		at = append(at, nanoseconds)
	}
	if len(at) != 6 || at[4] != came.UnixNano() || at[0] <= at[4] || !slices.IsSorted(at[:4]) || at[5] < at[3] || at[5] > time.Now().UnixNano() {
		t.Errorf("the times are %v", at)
	}
}

// lines returns what the Tracers have logged.
func (c *collector) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	for d := json.NewDecoder(&c.log); d.More(); {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestSpansThatACollectorDoesNotTakeAreLogged(t *testing.T) {
	answering := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.Errorf("OpenTelemetry prints %v", err) }))
	defer otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter) // nil: the collector is away
		reason string                    // empty: nothing is logged
	}{
		"it takes them":                    {answering(200, "{}"), ""},
		"it says that it took all":         {answering(200, `{"partialSuccess":{"rejectedSpans":"0","errorMessage":""}}`), ""},
		"it answers nothing":               {answering(202, ""), ""},
		"it answers what is no JSON":       {answering(200, "thanks"), ""},
		"it is away":                       {nil, "connection refused"},
		"it fails":                         {answering(500, "the disk is full"), "500 Internal Server Error: the disk is full"},
		"it fails at length":               {answering(503, strings.Repeat("x", 5000)), "503 Service Unavailable: xxx"},
		"it knows no such path":            {answering(404, ""), "404 Not Found"},
		"it takes a part":                  {answering(200, `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}`), "refuses \"1\" of them: too old"},
		"it takes a part and says no more": {answering(200, `{"partialSuccess":{"rejectedSpans":10}}`), "refuses 10 of them"},
		"it takes a part, at length":       {answering(200, `{"partialSuccess":{"errorMessage":"`+strings.Repeat("x", 5000)+`"}}`), "of them: xxx"},
		"it redirects": {func(w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
		}, "302 Found"},
		"it breaks off":                {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "EOF"},
		"it breaks off in the middle":  {func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100") }, "unexpected EOF"},
		"it takes none and says so":    {answering(400, `{"code":3,"message":"no spans"}`), `"message":"no spans"`},
		"it redirects to nowhere else": {answering(304, ""), "304 Not Modified"},
	} {
		t.Run(name, func(t *testing.T) {
			c := collectAnd(t, test.answer)
			if test.answer == nil {
				c.Close()
			}
			tracer := c.tracerTo(t, "http://ann:secret@"+c.Listener.Addr().String()+"?key=secret", "a-svc", 1)
			for range 3 {
				_, span := tracer.Root(t.Context(), "work", time.Now())
				span.End()
			}
			c.received(t)
			if strings.Contains(c.log.String(), "secret") {
				t.Errorf("the log has the password: %s", c.log.String())
			}
			lines := c.lines(t)
			if test.reason == "" {
				if len(lines) > 0 {
					t.Fatalf("logged %v", lines)
				}
				return
			}
			if len(lines) != 1 || lines[0]["msg"] != "traces not sent" || lines[0]["level"] != "WARN" || lines[0]["spans"] != 3.0 {
				t.Fatalf("logged %v", lines)
			}
			if reason, _ := lines[0]["error"].(string); !strings.Contains(reason, test.reason) || len(reason) > 1200 {
				t.Fatalf("the reason is %q", reason)
			}
		})
	}
}

func TestCloseDoesNotWaitForACollectorThatNeverAnswers(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	c := collectAnd(t, func(http.ResponseWriter) { <-over })
	defer close(over)
	tracer := c.tracer(t, "a-svc", 1)
	_, span := tracer.Root(t.Context(), "work", time.Now())
	span.End()
	began := time.Now()
	tracer.Close(t.Context())
	if took := time.Since(began); took > 3*time.Second {
		t.Fatalf("it took %v", took)
	}
	if !strings.Contains(c.log.String(), `"msg":"traces not sent"`) {
		t.Errorf("the log is %s", c.log.String())
	}
}
