package auth

import (
	"net/http"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
)

func publicRoutes(s *httpkit.Server, e Endpoints) []httpkit.Route {
	routes := []httpkit.Route{
		{Pattern: "POST /v1/auth/register", Handler: s.Handle(e.Register)},
		{Pattern: "POST /v1/auth/login", Handler: s.Handle(e.Login)},
		{Pattern: "POST /v1/auth/refresh", Handler: s.Handle(e.Refresh)},
		{Pattern: "POST /v1/auth/logout", Handler: s.Handle(e.Logout)},
		{Pattern: "POST /v1/auth/logout-all", Handler: s.Handle(e.LogoutAll)},
		{Pattern: "GET /v1/auth/sessions", Handler: s.Handle(e.ListSessions)},
		{Pattern: "DELETE /v1/auth/sessions/{id}", Handler: s.Handle(e.EndSession)},
		{Pattern: "POST /v1/auth/password", Handler: s.Handle(e.ChangePassword)},
		{Pattern: "POST /v1/auth/password/forgot", Handler: s.Handle(e.ForgotPassword)},
		{Pattern: "POST /v1/auth/password/reset", Handler: s.Handle(e.ResetPassword)},
		{Pattern: "GET /v1/users/me", Handler: s.Handle(e.GetMe)},
		{Pattern: "PATCH /v1/users/me", Handler: s.Handle(e.EditMe)},
		{Pattern: "GET /v1/users", Handler: s.Handle(e.FindUsers)},
	}
	routes = append(routes, tutorialRoutes(s, e)...)
	for i := range routes {
		routes[i].Handler = noStore(routes[i].Handler)
	}
	return append(routes, httpkit.Route{Pattern: "GET /.well-known/jwks.json", Handler: s.Handle(e.JWKS)})
}

// noStore keeps tokens and profiles out of caches.
func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func internalRoutes(s *httpkit.Server, e Endpoints) []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "POST " + peer.PathKeys, Handler: s.Internal(e.Keys)},
		{Pattern: "POST " + peer.PathRevocations, Handler: s.Internal(e.Revocations)},
		{Pattern: "POST " + peer.PathUsers, Handler: s.Internal(e.Users)},
		{Pattern: "POST " + peer.PathRecipients, Handler: s.Internal(e.Recipients)},
	}
}
