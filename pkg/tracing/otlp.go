package tracing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	sendTimeout = 5 * time.Second // of one batch; what is not sent then is lost
	maxAnswer   = 64 << 10        // bytes of a collector's answer that are read
)

// exporter sends spans as OTLP 1.x has it over HTTP, in JSON: https://opentelemetry.io/docs/specs/otlp/. It leaves out
// events, which none of ours has but for a panic: the log has that one.
type exporter struct {
	url    string
	client *http.Client
	log    *slog.Logger
}

func newExporter(address string, log *slog.Logger) *exporter {
	return &exporter{address, &http.Client{
		Timeout:       sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // which would ask with a GET, and look like success
	}, log}
}

// ExportSpans sends the spans or logs why not; they are not sent again. It always returns nil: there is nobody else to tell.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.send(ctx, spans)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the URL, which may have a key in it
	}
	if err != nil {
		e.log.WarnContext(ctx, "traces not sent", "spans", len(spans), "error", err.Error())
	}
	return nil
}

// Shutdown closes the connections.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

func (e *exporter) send(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	body, err := json.Marshal(requestOf(spans))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := e.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the collector answers %s: %.1000s", answer.Status, said)
	}
	var accepted struct {
		PartialSuccess struct {
			RejectedSpans json.RawMessage // a number, as text or as it is
			ErrorMessage  string
		}
	}
	_ = json.Unmarshal(said, &accepted) // what is no JSON complains of nothing
	if p := accepted.PartialSuccess; strings.Trim(string(p.RejectedSpans), `"0`) != "" || p.ErrorMessage != "" {
		return fmt.Errorf("the collector refuses %s of them: %.1000s", p.RejectedSpans, p.ErrorMessage)
	}
	return nil
}

// The names and forms are the protocol's: ids in hex, 64-bit numbers as strings.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   attributes   `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	attributes struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []span `json:"spans"`
	}
	span struct {
		TraceID      string         `json:"traceId"`
		SpanID       string         `json:"spanId"`
		ParentSpanID string         `json:"parentSpanId,omitempty"`
		Name         string         `json:"name"`
		Kind         trace.SpanKind `json:"kind"` // numbered as in the protocol
		Start        string         `json:"startTimeUnixNano"`
		End          string         `json:"endTimeUnixNano"`
		Attributes   []keyValue     `json:"attributes"`
		Links        []link         `json:"links,omitempty"`
		Status       status         `json:"status"`
	}
	link struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	}
	status struct {
		Code    int    `json:"code,omitempty"` // 0: not said, 2: an error
		Message string `json:"message,omitempty"`
	}
	keyValue struct {
		Key   string            `json:"key"`
		Value map[string]string `json:"value"`
	}
)

// requestOf takes spans of one process.
func requestOf(spans []sdktrace.ReadOnlySpan) request {
	var scope scopeSpans
	scope.Scope.Name = scopeName
	for _, s := range spans {
		scope.Spans = append(scope.Spans, spanOf(s))
	}
	return request{[]resourceSpans{{attributes{keyValues(spans[0].Resource().Attributes())}, []scopeSpans{scope}}}}
}

func spanOf(s sdktrace.ReadOnlySpan) span {
	out := span{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), Name: s.Name(), Kind: s.SpanKind(),
		Start: nanoseconds(s.StartTime()), End: nanoseconds(s.EndTime()), Attributes: keyValues(s.Attributes()),
	}
	for _, l := range s.Links() {
		out.Links = append(out.Links, link{l.SpanContext.TraceID().String(), l.SpanContext.SpanID().String()})
	}
	if s.Parent().HasSpanID() {
		out.ParentSpanID = s.Parent().SpanID().String()
	}
	if s.Status().Code == codes.Error {
		out.Status = status{2, s.Status().Description}
	}
	return out
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// untold are the attributes of otelhttp that are not sent: a path or URL may have a token in it, as one of the tutorial's does, and an address is a person's, or what she
// says it is.
var untold = []attribute.Key{"url.path", "url.full", "client.address", "network.peer.address", "network.peer.port"}

func keyValues(set []attribute.KeyValue) []keyValue {
	out := make([]keyValue, 0, len(set))
	for _, a := range set {
		if slices.Contains(untold, a.Key) {
			continue
		}
		kind := "stringValue"
		if a.Value.Type() == attribute.INT64 {
			kind = "intValue"
		}
		out = append(out, keyValue{string(a.Key), map[string]string{kind: a.Value.String()}})
	}
	return out
}
