package httpkit

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/tracing"
)

// Frame gives every request its Info and the trace that it names, answers with its id, and turns a panic into a 500 that is logged with its stack.
func Frame(log *slog.Logger, trusted []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := newInfo(r, trusted)
		ctx := context.WithValue(WithInfo(tracing.FromHeader(r.Context(), r.Header), info), writerKey{}, w)
		w.Header().Set("X-Request-Id", info.RequestID)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				log.ErrorContext(ctx, "handler panicked", "panic", p, "request_id", info.RequestID, "stack", string(debug.Stack()))
				writeProblem(ctx, fault.New(fault.Internal, "internal", "Something went wrong on the server."), w)
			}
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// CORS lets pages of the allowed origins call with credentials, preflight included. Other origins get no CORS header.
func CORS(allowed config.List, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if !allowed.Has(origin) {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Traceparent, Tracestate, X-Request-Id")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
