// Package tracing records what a request causes, here and in the other services, as spans of OpenTelemetry. A context carries its trace; between
// processes it travels as W3C Trace Context has it: in the headers of a request, and with the event of a message.
package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/confab-chat/confab/pkg/fault"
)

// scopeName says who makes the spans.
const scopeName = "github.com/confab-chat/confab"

var w3c propagation.TraceContext

// FromHeader returns a context with the trace that a request's header names; ctx where it names none.
func FromHeader(ctx context.Context, h http.Header) context.Context {
	return w3c.Extract(ctx, propagation.HeaderCarrier(h))
}

// SetHeader names the context's trace in a request's header; what it named before goes.
func SetHeader(ctx context.Context, h http.Header) {
	for _, field := range w3c.Fields() {
		h.Del(field)
	}
	w3c.Inject(ctx, propagation.HeaderCarrier(h))
}

// ID returns the id of the context's trace, empty where there is none.
func ID(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		return span.TraceID().String()
	}
	return ""
}

// Parent returns the context's span as a traceparent, for what follows from it later and elsewhere; empty where it is not recorded.
func Parent(ctx context.Context) string {
	if span := trace.SpanContextFromContext(ctx); !span.IsSampled() || span.IsRemote() { // a client says that of its own
		return ""
	}
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// Start begins a span within the context's, of the same process. The caller ends it.
func Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer(scopeName).Start(ctx, name, options...)
}

// Fail notes in a span with which code its work failed. What a client did wrong is no error of the span.
func Fail(span trace.Span, f *fault.Error) {
	span.SetAttributes(attribute.String("error.type", f.Code))
	if f.Kind.Status() >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, f.Code)
	}
}
