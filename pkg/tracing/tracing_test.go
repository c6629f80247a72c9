package tracing_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/tracing"
)

func TestWithoutAnEndpointTracesArePassedOnAndNotRecorded(t *testing.T) {
	tracer, err := tracing.New(tracing.Config{Ratio: 1}, "a-svc", "v1", nil)
	if tracer != nil || err != nil {
		t.Fatalf("the Tracer is %v, %v", tracer, err)
	}
	defer tracer.Close(t.Context())
	for name, given := range map[string]string{"a client that names a trace": sampled, "a client that names none": ""} {
		t.Run(name, func(t *testing.T) {
			var seen string
			callee := httptest.NewServer(internal(t, tracer, "POST /internal/x", func(_ http.ResponseWriter, r *http.Request) {
				seen = r.Header.Get("Traceparent")
			}))
			defer callee.Close()
			status := ask(t, public(t, tracer, "GET /v1/x", func(w http.ResponseWriter, r *http.Request) {
				for kind, begin := range map[string]func() (context.Context, trace.Span){
					"Root": func() (context.Context, trace.Span) { return tracer.Root(r.Context(), "work", time.Now()) },
					"Follow": func() (context.Context, trace.Span) {
						return tracer.Follow(r.Context(), sampled, "work", trace.SpanKindConsumer)
					},
					"Start": func() (context.Context, trace.Span) { return tracing.Start(r.Context(), "work") },
				} {
					ctx, span := begin()
					tracing.Fail(span, fault.New(fault.Internal, "internal", "No."))
					span.End()
					if span.IsRecording() || tracing.ID(ctx) != tracing.ID(r.Context()) || tracing.Parent(ctx) != "" {
						t.Errorf("%s records %v as %q", kind, span, tracing.Parent(ctx))
					}
				}
				call(r.Context(), t, callee.URL+"/internal/x")
				w.WriteHeader(http.StatusNoContent)
			}), http.MethodGet, "/v1/x", given)
			if seen != given || status != http.StatusNoContent {
				t.Fatalf("%q came to the callee, want %q; the answer is %d", seen, given, status)
			}
		})
	}
}

func TestTheRatioAndNotTheClientSaysWhatIsRecorded(t *testing.T) {
	for name, test := range map[string]struct {
		ratio float64
		trace string
		want  int
	}{
		"a client says that it records, at ratio 0":  {0, sampled, 0},
		"a client says that it does not, at ratio 0": {0, notSampled, 0},
		"a client says nothing, at ratio 0":          {0, "", 0},
		"a client says that it records, at ratio 1":  {1, sampled, 1},
		"a client says that it does not, at ratio 1": {1, notSampled, 1},
		"a client says nothing, at ratio 1":          {1, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := collect(t)
			var within, parent string
			ask(t, public(t, c.tracer(t, "a-svc", test.ratio), "GET /v1/x", func(_ http.ResponseWriter, r *http.Request) {
				ctx, span := tracing.Start(r.Context(), "within")
				defer span.End()
				within, parent = tracing.ID(ctx), tracing.Parent(ctx)
			}), http.MethodGet, "/v1/x", test.trace)
			spans := c.spans(t)
			if len(spans) != 2*test.want || within == "" || (parent != "") != (test.want > 0) {
				t.Fatalf("the handler's trace is %q and its parent %q; the spans are %+v", within, parent, spans)
			}
		})
	}
}

func TestTwoServicesRecordTheSameTraces(t *testing.T) {
	const n, ratio = 400, 0.25
	c := collect(t)
	tracers := map[string]*tracing.Tracer{"a-svc": c.tracer(t, "a-svc", ratio), "b-svc": c.tracer(t, "b-svc", ratio)}
	for i := range uint64(n) {
		id := fmt.Sprintf("%016x%016x", i+1, i*0x9e3779b97f4a7c15) // spread evenly
		for flag, name := range []string{"b-svc", "a-svc"} {
			_, span := tracers[name].Follow(t.Context(), fmt.Sprintf("00-%s-%s-%02x", id, parentID, flag), "work", trace.SpanKindConsumer)
			span.End()
		}
	}
	recorded := map[string][]string{}
	for _, s := range c.spans(t) {
		recorded[s.Service] = append(recorded[s.Service], s.TraceID)
	}
	if a, b := recorded["a-svc"], recorded["b-svc"]; !slices.Equal(a, b) || len(a) < n*ratio*3/4 || len(a) > n*ratio*5/4 {
		t.Fatalf("of %d traces one records %d, the other %d", n, len(a), len(b))
	}
}

func TestAnotherProcessFollowsWhatIsRecorded(t *testing.T) {
	c := collect(t)
	one, other := c.tracer(t, "one", 1), c.tracer(t, "other", 1)
	ctx, root := one.Root(t.Context(), "send", time.Now())
	parent := tracing.Parent(ctx)
	root.End()
	_, follower := other.Follow(t.Context(), parent, "deliver", trace.SpanKindConsumer)
	follower.End()
	spans := c.spans(t)
	send, deliver := find(t, spans, "one", "send"), find(t, spans, "other", "deliver")
	if send.Kind != kindServer || send.ParentSpanID != "" {
		t.Errorf("the root is %+v", send)
	}
	if deliver.Kind != kindConsumer || deliver.ParentSpanID != send.SpanID || deliver.TraceID != send.TraceID {
		t.Errorf("%+v does not follow %+v", deliver, send)
	}
}

func TestNothingFollowsWhatIsNotRecorded(t *testing.T) {
	c := collect(t)
	all, none := c.tracer(t, "all", 1), c.tracer(t, "none", 0)
	unrecorded, root := none.Root(t.Context(), "send", time.Now())
	root.End()
	fromClient := tracing.FromHeader(t.Context(), http.Header{"Traceparent": {sampled}})
	for name, parent := range map[string]string{
		"no trace":                     tracing.Parent(t.Context()),
		"one that is recorded nowhere": tracing.Parent(unrecorded),
		"one of a client's":            tracing.Parent(fromClient),
		"what is no parent":            "00-" + traceID,
	} {
		if strings.HasSuffix(parent, "-01") {
			t.Errorf("%s: the parent is %q", name, parent)
		}
		ctx, span := all.Follow(t.Context(), parent, "deliver", trace.SpanKindConsumer)
		_, within := tracing.Start(ctx, "within")
		within.End()
		span.End()
		if span.IsRecording() || within.IsRecording() {
			t.Errorf("%s: %q is followed", name, parent)
		}
	}
	if spans := c.spans(t); len(spans) > 0 {
		t.Errorf("the spans are %+v", spans)
	}
}

func TestARootIsATraceOfItsOwn(t *testing.T) {
	c := collect(t)
	ctx, span := c.tracer(t, "a-svc", 1).Root(tracing.FromHeader(t.Context(), http.Header{"Traceparent": {sampled}}), "socket send", time.Now())
	id := tracing.ID(ctx)
	span.End()
	if s := c.one(t); s.TraceID == traceID || s.TraceID != id || s.ParentSpanID != "" {
		t.Fatalf("its context's trace is %s, the span %+v", id, s)
	}
}

func TestOnlyTheServersFaultsAreErrorsOfASpan(t *testing.T) {
	for kind, status := range map[fault.Kind]int{
		fault.Invalid: 0, fault.Forbidden: 0, fault.RateLimited: 0, fault.Canceled: 0, fault.Internal: 2, fault.Unavailable: 2,
	} {
		c := collect(t)
		_, span := c.tracer(t, "a-svc", 1).Root(t.Context(), "work", time.Now())
		tracing.Fail(span, fault.New(kind, "a_code", "A secret."))
		span.End()
		if s := c.one(t); s.Status.Code != status || s.Attributes.of("error.type") != "a_code" || strings.Contains(c.bodies[0], "secret") {
			t.Errorf("%s gives %s", kind, c.bodies[0])
		}
	}
}

func TestAHeaderNamesTheContextsTraceAlone(t *testing.T) {
	for name, test := range map[string]struct {
		given http.Header
		want  string
	}{
		"no trace":             {nil, ""},
		"a trace":              {http.Header{"Traceparent": {sampled}}, sampled + " "},
		"a trace with a state": {http.Header{"Traceparent": {sampled}, "Tracestate": {"b=2"}}, sampled + " b=2"},
	} {
		h := http.Header{"Traceparent": {notSampled}, "Tracestate": {"a=1"}, "Accept": {"*/*"}}
		tracing.SetHeader(tracing.FromHeader(t.Context(), test.given), h)
		if got := strings.Join(append(h["Traceparent"], h.Get("Tracestate")), " "); got != test.want || h.Get("Accept") != "*/*" {
			t.Errorf("%s: the header is %v", name, h)
		}
	}
}
