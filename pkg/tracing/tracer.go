package tracing

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/confab-chat/confab/pkg/config"
)

// Config is what an operator may set.
type Config struct {
	Endpoint config.Secret
	Ratio    float64
}

// RegisterFlags declares the flags.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	fs.Var(&c.Endpoint, "trace-endpoint", "`URL` of an OpenTelemetry collector that takes OTLP over HTTP, as in http://collector:4318, to whose /v1/traces they go where it has no path; may hold a password; empty: no traces")
	fs.Float64Var(&c.Ratio, "trace-ratio", 0.01, "`share` of the requests of which a trace is recorded, 0 to 1; the same for all services, else traces have holes")
}

const (
	flushWait    = 2 * time.Second // for the last spans when the program ends
	maxAttribute = 256             // characters of what a client may say at length, as its User-Agent
)

// Tracer begins traces and takes up those that came from elsewhere. The nil Tracer records none, and passes them on.
type Tracer struct {
	provider *sdktrace.TracerProvider
	log      *slog.Logger
}

// New returns the program's Tracer, nil where c has no endpoint. It returns an error where c is wrong; whether the endpoint answers shows in the log.
func New(c Config, program, version string, log *slog.Logger) (*Tracer, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	u, err := url.Parse(string(c.Endpoint))
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, errors.New("-trace-endpoint is no URL such as http://collector:4318") // which may have a password in it
	case !(c.Ratio >= 0 && c.Ratio <= 1): // NaN is refused too
		return nil, fmt.Errorf("-trace-ratio is %v, want 0 to 1", c.Ratio)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces" // the path of the protocol
	}
	host, _ := os.Hostname() // the replica's name; without one its traces are as good
	// Whether a trace is recorded is said by its id, and so the same in all services; nobody else has a say.
	byID := sdktrace.TraceIDRatioBased(c.Ratio)
	limits := sdktrace.NewSpanLimits()
	limits.AttributeValueLengthLimit = maxAttribute
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithBatcher(newExporter(u.String(), log)),
		sdktrace.WithSampler(sdktrace.ParentBased(byID, sdktrace.WithRemoteParentSampled(byID), sdktrace.WithRemoteParentNotSampled(byID))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", program), attribute.String("service.version", version),
			attribute.String("service.instance.id", host))),
	)
	return &Tracer{provider, log}, nil
}

// Close sends the last spans, for at most flushWait.
func (t *Tracer) Close(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, flushWait)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.WarnContext(ctx, "traces not sent", "error", err.Error())
	}
}

// Root begins a trace with the work of a command that came at a time past, over a socket.
func (t *Tracer) Root(ctx context.Context, name string, came time.Time) (context.Context, trace.Span) {
	if t == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	return t.provider.Tracer(scopeName).Start(ctx, name, trace.WithNewRoot(), trace.WithTimestamp(came), trace.WithSpanKind(trace.SpanKindServer))
}

// Follow begins a span of what another process began, by the traceparent that came with it. Without one nothing is recorded.
func (t *Tracer) Follow(ctx context.Context, parent, name string, kind trace.SpanKind) (context.Context, trace.Span) {
	none := trace.SpanFromContext(context.Background())
	if t == nil || parent == "" { // as most events are
		return ctx, none
	}
	before := trace.SpanContextFromContext(w3c.Extract(context.Background(), propagation.MapCarrier{"traceparent": parent}))
	if !before.IsValid() {
		return ctx, none
	}
	return t.provider.Tracer(scopeName).Start(trace.ContextWithRemoteSpanContext(ctx, before), name, trace.WithSpanKind(kind))
}
