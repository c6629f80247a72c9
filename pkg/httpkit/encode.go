package httpkit

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/tracing"
)

// Empty is the response of an endpoint that answers 204.
type Empty struct{}

// statusCoder is a response with a status other than 200.
type statusCoder interface{ StatusCode() int }

// encodeJSON writes the response once it is encoded whole, so that an error in it is still a 500.
func encodeJSON(ctx context.Context, w http.ResponseWriter, response any) error {
	setRateLimit(ctx, w)
	if _, ok := response.(Empty); ok {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	status := http.StatusOK
	if s, ok := response.(statusCoder); ok {
		status = s.StatusCode()
	}
	return WriteJSON(w, status, "application/json", response)
}

// WriteJSON encodes v, then writes it with the status and media type. It returns an error, with nothing written, where v cannot be encoded.
func WriteJSON(w http.ResponseWriter, status int, mediaType string, v any) error {
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client left: there is nobody to tell
	return nil
}

// problem is an error as RFC 9457 writes it.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Field     string `json:"field,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// ErrorEncoder writes errors: as problem+json, or as the tutorial's clients know them. It logs those that are the server's fault.
type ErrorEncoder struct {
	Log *slog.Logger
}

// Problem answers with err as RFC 9457 problem+json.
func (e ErrorEncoder) Problem(ctx context.Context, err error, w http.ResponseWriter) {
	writeProblem(ctx, e.begin(ctx, err, w), w)
}

func writeProblem(ctx context.Context, f *fault.Error, w http.ResponseWriter) {
	status := f.Kind.Status()
	title := http.StatusText(status)
	if title == "" {
		title = "Client Closed Request"
	}
	_ = WriteJSON(w, status, "application/problem+json", problem{
		Type: "about:blank", Title: title, Status: status,
		Code: f.Code, Detail: f.Detail, Field: f.Field, RequestID: InfoFrom(ctx).RequestID,
	})
}

// Tutorial answers as the tutorial's server did: {error}, but plain text for what Passport answered.
func (e ErrorEncoder) Tutorial(ctx context.Context, err error, w http.ResponseWriter) {
	f := e.begin(ctx, err, w)
	status := f.Kind.Status()
	if f.Kind == fault.Unauthenticated && f.Code != CodeNotAuthorized || f.Code == CodeBadRequestText {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, http.StatusText(status)) // the client left: there is nobody to tell
		return
	}
	_ = WriteJSON(w, status, "application/json", map[string]string{"error": f.Detail})
}

// Codes that tell the tutorial's answers of one status apart.
const (
	CodeBadRequestText = "bad_request"    // the one 400 in plain text
	CodeNotAuthorized  = "not_authorized" // the 401 that is {error}: the token is good, its user lacks the right
)

func (e ErrorEncoder) begin(ctx context.Context, err error, w http.ResponseWriter) *fault.Error {
	f := fault.From(err)
	if status := f.Kind.Status(); status >= http.StatusInternalServerError {
		e.Log.ErrorContext(ctx, "request failed", "code", f.Code, "status", status, "error", err.Error(),
			"request_id", InfoFrom(ctx).RequestID, "trace_id", tracing.ID(ctx))
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(f.RetryAfter))
	}
	if f.Kind == fault.Unauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	setRateLimit(ctx, w)
	return f
}

// setRateLimit tells the client how its limit stands.
// See https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/.
func setRateLimit(ctx context.Context, w http.ResponseWriter) {
	l := InfoFrom(ctx).limited
	if l == nil {
		return
	}
	h := w.Header()
	h.Set("RateLimit-Policy", `"`+l.Rule.Name+`";q=`+strconv.Itoa(l.Rule.Burst)+";w="+seconds(l.Rule.Period))
	h.Set("RateLimit", `"`+l.Rule.Name+`";r=`+strconv.Itoa(l.Remaining)+";t="+seconds(l.Reset))
}

func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
