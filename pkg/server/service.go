package server

import (
	"net/http"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token"
)

// NewChain returns the middleware of a service's endpoints.
func (e Env) NewChain(service string, users *token.Verifier) *httpkit.Chain {
	return httpkit.NewChain(e.Registerer, users, peer.Lock{Service: service, Keys: e.ServiceKeys}, e.Limiter, RequestTimeout, requestsAtOnce)
}

// PublicHandler serves the routes to browsers and other clients.
func (e Env) PublicHandler(routes []httpkit.Route) http.Handler {
	mux := httpkit.NewServer(e.Log).Mux(routes)
	return httpkit.Frame(e.Log, e.HTTP.TrustedProxies, httpkit.CORS(e.HTTP.AllowedOrigins, e.Traced("no route", mux)))
}

// Traced records the public requests of a handler; what names those that have no route.
func (e Env) Traced(what string, next http.Handler) http.Handler {
	return e.Tracer.Public(what, func(r *http.Request) bool { return httpkit.FromProxy(r, e.HTTP.TrustedProxies) }, next)
}

// InternalHandler serves the routes to the other services.
func (e Env) InternalHandler(routes []httpkit.Route) http.Handler {
	return httpkit.Frame(e.Log, nil, e.Tracer.Internal(httpkit.NewServer(e.Log).Mux(routes)))
}
