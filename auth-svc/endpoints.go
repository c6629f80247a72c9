package auth

import (
	"github.com/go-kit/kit/endpoint"

	"github.com/confab-chat/confab/pkg/httpkit"
)

// Endpoints are the service's methods behind their middleware.
type Endpoints struct {
	Register, Login, Refresh, Logout, LogoutAll   endpoint.Endpoint
	ListSessions, EndSession                      endpoint.Endpoint
	ChangePassword, ForgotPassword, ResetPassword endpoint.Endpoint
	GetMe, EditMe, FindUsers, JWKS                endpoint.Endpoint
	Keys, Revocations, Users, Recipients          endpoint.Endpoint // for other services
	tutorialEndpoints
}

// NewEndpoints wraps the service's methods.
func NewEndpoints(s Service, c *httpkit.Chain, cfg Config) Endpoints {
	l := newLimits(cfg)
	p := publicMethods{service: s, limiter: c.Limiter, limits: l}
	return Endpoints{
		Register:       c.Public("register", httpkit.Typed(p.register), l.register),
		Login:          c.Public("login", httpkit.Typed(p.login), l.login),
		Refresh:        c.Public("refresh", httpkit.Typed(s.Refresh), l.refresh),
		Logout:         c.User("logout", httpkit.Typed(s.Logout)),
		LogoutAll:      c.User("logout_all", httpkit.Typed(s.LogoutAll)),
		ListSessions:   c.User("list_sessions", httpkit.Typed(s.ListSessions)),
		EndSession:     c.User("end_session", httpkit.Typed(s.EndSession)),
		ChangePassword: c.User("change_password", httpkit.Typed(s.ChangePassword), l.password),
		ForgotPassword: c.Public("forgot_password", httpkit.Typed(p.forgot), l.forgot),
		ResetPassword:  c.Public("reset_password", httpkit.Typed(p.reset), l.reset),
		GetMe:          c.User("get_me", httpkit.Typed(s.Me)),
		EditMe:         c.User("edit_me", httpkit.Typed(s.EditMe)),
		FindUsers:      c.User("find_users", httpkit.Typed(s.FindUsers), l.find),
		JWKS:           c.Public("jwks", httpkit.Typed(s.Keys)),

		Keys:        c.Service("keys", httpkit.Typed(s.Keys)),
		Revocations: c.Service("revocations", httpkit.Typed(s.Revocations)),
		Users:       c.Service("users", httpkit.Typed(s.Users)),
		Recipients:  c.Service("recipients", httpkit.Typed(s.Recipients)),

		tutorialEndpoints: newTutorialEndpoints(s, c, p),
	}
}
