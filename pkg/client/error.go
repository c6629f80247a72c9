package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// ErrNoSession is returned by what needs a token where the Client has none: Login first.
var ErrNoSession = errors.New("client: there is no session")

// Error is the server's refusal.
type Error struct {
	// Status is the HTTP status. Of a socket that the server closed it is the close code, and zero where a socket's command was refused.
	Status     int
	Code       string // stable: branch on it
	Detail     string // a sentence for people
	Field      string // the field at fault; empty where none is
	RetryAfter time.Duration
	RequestID  string // by which the server's log tells more; empty from sockets
}

func (e *Error) Error() string {
	s := e.Code
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Status != 0 {
		s = strconv.Itoa(e.Status) + " " + s
	}
	return s
}

// Is makes two errors of one code equal for errors.Is.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// passing are the codes of what passes by itself. Answers to commands have no status that says so.
var passing = []string{
	"rate_limited", "too_many_pending", "timeout", "busy", "conversation_busy", "not_stored", "members_changing", "stopping",
	"service_unavailable", "store_unavailable", "keys_unavailable",
}

// temporary reports whether the same request may succeed later.
func (e *Error) temporary() bool {
	switch e.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case 0:
		return e.RetryAfter > 0 || slices.Contains(passing, e.Code)
	}
	return false
}

// lostError is a connection that failed: it is not known whether the request was carried out.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// passes reports whether it makes sense to try again after err.
func passes(err error) bool {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.temporary()
	}
	_, lost := errors.AsType[*lostError](err)
	return lost
}

func hasStatus(err error, status int) bool {
	refused, ok := errors.AsType[*Error](err)
	return ok && refused.Status == status
}

// problem reads the refusal from an answer of 300 or above. What is no problem+json comes from something in between.
func problem(status int, header http.Header, body []byte) *Error {
	e := &Error{Status: status, RequestID: header.Get("X-Request-Id")}
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(min(seconds, 1<<20)) * time.Second
	}
	var p struct{ Code, Detail, Field string }
	if json.Unmarshal(body, &p) != nil || p.Code == "" {
		e.Code, e.Detail = "unexpected_answer", fmt.Sprintf("The answer is no problem+json: %s.", http.StatusText(status))
		return e
	}
	e.Code, e.Detail, e.Field = p.Code, p.Detail, p.Field
	return e
}
