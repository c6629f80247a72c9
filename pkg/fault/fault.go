// Package fault classifies errors once for everyone who asks: the HTTP status, the problem's code and the metric's label
// all come from an error's Kind.
package fault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Kind is the class of an error, from a closed set. It is a metric label.
type Kind string

// The kinds, each with the HTTP status it is answered with.
const (
	Invalid         Kind = "invalid"         // 400
	Unprocessable   Kind = "unprocessable"   // 422
	Unauthenticated Kind = "unauthenticated" // 401
	Forbidden       Kind = "forbidden"       // 403
	NotFound        Kind = "not_found"       // 404
	NotAllowed      Kind = "not_allowed"     // 405
	Conflict        Kind = "conflict"        // 409
	TooLarge        Kind = "too_large"       // 413
	Unsupported     Kind = "unsupported"     // 415
	RateLimited     Kind = "rate_limited"    // 429
	Canceled        Kind = "canceled"        // 499: the client left before the answer
	Internal        Kind = "internal"        // 500
	Unavailable     Kind = "unavailable"     // 503
)

var statuses = map[Kind]int{
	Invalid:         http.StatusBadRequest,
	Unprocessable:   http.StatusUnprocessableEntity,
	Unauthenticated: http.StatusUnauthorized,
	Forbidden:       http.StatusForbidden,
	NotFound:        http.StatusNotFound,
	NotAllowed:      http.StatusMethodNotAllowed,
	Conflict:        http.StatusConflict,
	TooLarge:        http.StatusRequestEntityTooLarge,
	Unsupported:     http.StatusUnsupportedMediaType,
	RateLimited:     http.StatusTooManyRequests,
	Canceled:        499,
	Internal:        http.StatusInternalServerError,
	Unavailable:     http.StatusServiceUnavailable,
}

// Status returns the HTTP status that answers an error of this kind.
func (k Kind) Status() int { return statuses[k] }

// KindOf returns the kind that is answered with the status; false where none is.
func KindOf(status int) (Kind, bool) {
	for kind, s := range statuses {
		if s == status {
			return kind, true
		}
	}
	return "", false
}

// Error is an error that a client may see: Code and Detail are public, the cause is for the log alone.
type Error struct {
	Kind       Kind
	Code       string        // stable, snake_case, documented in docs/api/openapi.yaml
	Detail     string        // a sentence for the developer who reads the answer
	Field      string        // the request field at fault; empty where none is
	RetryAfter time.Duration // zero: no Retry-After header
	cause      error
}

// New returns an error of the kind, with a stable code and a sentence for the client's developer.
func New(kind Kind, code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail}
}

// BadField returns an Invalid error about one field of the request.
func BadField(field, detail string) *Error {
	return &Error{Kind: Invalid, Code: "invalid_field", Detail: detail, Field: field}
}

// Because returns a copy of the error with a cause that only the log shows.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// After returns a copy of the error that asks the client to come again after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

func (e *Error) Error() string {
	s := e.Code + ": " + e.Detail
	if e.Field != "" {
		s = e.Code + " (" + e.Field + "): " + e.Detail
	}
	if e.cause != nil {
		return fmt.Sprintf("%s: %v", s, e.cause)
	}
	return s
}

// Unwrap returns the cause, nil where there is none.
func (e *Error) Unwrap() error { return e.cause }

// Is makes two errors of one code equal for errors.Is, whatever their detail and cause.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// labeled is an error of MongoDB's driver, which says in labels what it is.
type labeled interface {
	error
	HasErrorLabel(label string) bool
}

// outOfReach reports whether err is of a store that cannot be reached, or that has no primary at the moment. Most errors of MongoDB's driver
// say so in a label; that of a request which waited for a connection when another one broke says only that it may be tried again.
func outOfReach(err error) bool {
	var labels labeled
	var pool interface{ Retryable() bool }
	var network net.Error
	return errors.As(err, &labels) && (labels.HasErrorLabel("NetworkError") || labels.HasErrorLabel("RetryableWriteError")) ||
		errors.As(err, &pool) && pool.Retryable() || errors.As(err, &network)
}

// From returns what a client is told of err: the *Error in its chain, else Canceled or Unavailable for an ended context, Unavailable for
// a store that is out of reach or has no primary at the moment, else Internal. The answer wraps err, so that the log has it whole.
func From(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return New(Canceled, "canceled", "The client left before the answer.").Because(err)
	case errors.Is(err, context.DeadlineExceeded):
		return New(Unavailable, "timeout", "The request took too long. Try again.").After(time.Second).Because(err)
	case outOfReach(err):
		return New(Unavailable, "store_unavailable", "The store is out of reach. Try again.").After(time.Second).Because(err)
	default:
		return New(Internal, "internal", "Something went wrong on the server.").Because(err)
	}
}
