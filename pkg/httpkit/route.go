// Package httpkit joins go-kit's endpoints to HTTP: one decoder, one error encoder, one chain of middleware, one route table.
package httpkit

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/go-kit/kit/endpoint"
	kithttp "github.com/go-kit/kit/transport/http"

	"github.com/confab-chat/confab/pkg/fault"
)

// What is answered for requests that no route takes.
var (
	ErrNoSuchRoute      = fault.New(fault.NotFound, "no_such_route", "There is nothing at this path.")
	ErrMethodNotAllowed = fault.New(fault.NotAllowed, "method_not_allowed", "The path does not take this method.")
)

// Route is a row of a service's route table.
type Route struct {
	Pattern string // as http.ServeMux has it: "POST /v1/messages"
	Handler http.Handler
}

// Server serves a service's endpoints.
type Server struct {
	errors ErrorEncoder
}

// NewServer returns a Server that logs its own faults to log.
func NewServer(log *slog.Logger) *Server { return &Server{errors: ErrorEncoder{Log: log}} }

// Handle serves an endpoint with Confab's own JSON: strict requests, problem+json for errors.
func (s *Server) Handle(e endpoint.Endpoint) http.Handler {
	return s.serve(e, decodeStrict, s.errors.Problem)
}

// Internal serves an endpoint of /internal/ to the other services.
func (s *Server) Internal(e endpoint.Endpoint) http.Handler {
	return s.serve(e, decodeInternal, s.errors.Problem)
}

// Tutorial serves an endpoint as the tutorial's clients know it: lenient requests, {error} for errors.
func (s *Server) Tutorial(e endpoint.Endpoint) http.Handler {
	return s.serve(e, decodeLenient, s.errors.Tutorial)
}

type decodeFunc func(w http.ResponseWriter, r *http.Request, request any) error

func (s *Server) serve(e endpoint.Endpoint, decode decodeFunc, onError kithttp.ErrorEncoder) http.Handler {
	later := func(_ context.Context, r *http.Request) (any, error) {
		w, _ := r.Context().Value(writerKey{}).(http.ResponseWriter) // none: there is no Frame
		return Decode(func(request any) error { return decode(w, r, request) }), nil
	}
	return kithttp.NewServer(e, later, encodeJSON, kithttp.ServerErrorEncoder(onError))
}

// writerKey finds the writer as net/http gave it, whatever is put around it later: http.MaxBytesReader has it close the connection of a client that sends too much.
type writerKey struct{}

// Mux serves a route table, and answers what is not in it with a problem (404, 405).
func (s *Server) Mux(routes []Route) http.Handler {
	mux := http.NewServeMux()
	for _, route := range routes {
		mux.Handle(route.Pattern, route.Handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		s.unmatched(w, r, mux)
	})
}

func (s *Server) unmatched(w http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	err := ErrNoSuchRoute
	if allowed := allowedMethods(r, mux); allowed != nil {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		err = ErrMethodNotAllowed
	}
	encode := s.errors.Problem
	if strings.HasPrefix(r.URL.Path, "/api/") {
		encode = s.errors.Tutorial
	}
	encode(r.Context(), err, w)
}

func allowedMethods(r *http.Request, mux *http.ServeMux) []string {
	var allowed []string
	other := r.Clone(r.Context())
	for _, other.Method = range []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut} {
		if _, pattern := mux.Handler(other); pattern != "" {
			allowed = append(allowed, other.Method)
		}
	}
	return allowed
}
