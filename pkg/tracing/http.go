package tracing

import (
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/codes"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
)

var methods = []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPatch, http.MethodPost, http.MethodPut}

// Public gives each request of a client a span, named by its route, or by what where it has none. It goes on with the trace that the request names where trusted says
// so; else the span begins a trace of its own, with a link to that one: whoever may choose a trace's id chooses whether it is recorded. What a socket does is no
// request: see Root.
func (t *Tracer) Public(what string, trusted func(*http.Request) bool, next http.Handler) http.Handler {
	return t.handler(what, next,
		otelhttp.WithFilter(func(r *http.Request) bool {
			return r.URL.Path != "/v1/ws" && !strings.HasPrefix(r.URL.Path, "/socket.io/")
		}),
		otelhttp.WithPublicEndpointFn(func(r *http.Request) bool { return !trusted(r) }))
}

// Internal gives each request of another service a span, where that names a trace.
func (t *Tracer) Internal(next http.Handler) http.Handler {
	return t.handler("no route", next, otelhttp.WithFilter(func(r *http.Request) bool { return ID(r.Context()) != "" }))
}

func (t *Tracer) handler(what string, next http.Handler, options ...otelhttp.Option) http.Handler {
	if t == nil {
		return next
	}
	options = append(options, otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(w3c),
		otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()), otelhttp.WithSpanNameFormatter(spanName))
	return otelhttp.NewHandler(panicking(what, next), what, options...)
}

func spanName(what string, r *http.Request) string {
	switch {
	case r.Pattern != "":
		return r.Pattern
	case slices.Contains(methods, r.Method):
		return r.Method + " " + what
	default: // a client may make up as many methods as she likes
		return what
	}
}

// panicking tells a panic in its span: otelhttp ends that without a word.
func panicking(what string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			span := trace.SpanFromContext(r.Context())
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler: // the client left in the middle of its answer
				span.SetName(spanName(what, r))
				panic(p)
			default:
				span.SetName(spanName(what, r))
				span.SetStatus(codes.Error, "panic")
				panic(p)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// Transport gives each request between services a span where that of its context is recorded, and names it to the callee.
func Transport(next http.RoundTripper) http.RoundTripper {
	return otelhttp.NewTransport(next, otelhttp.WithPropagators(w3c), otelhttp.WithMeterProvider(metricnoop.NewMeterProvider()),
		otelhttp.WithFilter(func(r *http.Request) bool { return trace.SpanFromContext(r.Context()).IsRecording() }), // else it costs what it does for nothing
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))
}
