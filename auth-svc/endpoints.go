package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/ratelimit"
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

// limits are how often one may ask.
type limits struct {
	register, login, refresh, forgot, reset ratelimit.Rule // by the client's address
	loginAccount, forgotAccount             ratelimit.Rule // by the account: a botnet has many addresses
	password, find                          ratelimit.Rule // by the user
}

func newLimits(c Config) limits {
	return limits{
		register:      ratelimit.Rule{Name: "register", Burst: c.RegisterRate, Period: time.Hour},
		login:         ratelimit.Rule{Name: "login", Burst: c.LoginRate, Period: time.Minute},
		refresh:       ratelimit.Rule{Name: "refresh", Burst: 300, Period: time.Minute},
		forgot:        ratelimit.Rule{Name: "forgot", Burst: 20, Period: time.Hour},
		reset:         ratelimit.Rule{Name: "reset", Burst: 20, Period: time.Hour},
		loginAccount:  ratelimit.Rule{Name: "login_account", Burst: 20, Period: 15 * time.Minute},
		forgotAccount: ratelimit.Rule{Name: "forgot_account", Burst: 5, Period: time.Hour},
		password:      ratelimit.Rule{Name: "password", Burst: 10, Period: 15 * time.Minute},
		find:          ratelimit.Rule{Name: "find_users", Burst: 120, Period: time.Minute},
	}
}

// NewEndpoints wraps the service's methods.
func NewEndpoints(s Service, c *httpkit.Chain, cfg Config) Endpoints {
	l := newLimits(cfg)
	register, login, forgot := publicMethods(s, c.Limiter, l)
	return Endpoints{
		Register:       c.Public("register", httpkit.Typed(register), l.register),
		Login:          c.Public("login", httpkit.Typed(login), l.login),
		Refresh:        c.Public("refresh", httpkit.Typed(s.Refresh), l.refresh),
		Logout:         c.User("logout", httpkit.Typed(s.Logout)),
		LogoutAll:      c.User("logout_all", httpkit.Typed(s.LogoutAll)),
		ListSessions:   c.User("list_sessions", httpkit.Typed(s.ListSessions)),
		EndSession:     c.User("end_session", httpkit.Typed(s.EndSession)),
		ChangePassword: c.User("change_password", httpkit.Typed(s.ChangePassword), l.password),
		ForgotPassword: c.Public("forgot_password", httpkit.Typed(forgot), l.forgot),
		ResetPassword:  c.Public("reset_password", httpkit.Typed(s.ResetPassword), l.reset),
		GetMe:          c.User("get_me", httpkit.Typed(s.Me)),
		EditMe:         c.User("edit_me", httpkit.Typed(s.EditMe)),
		FindUsers:      c.User("find_users", httpkit.Typed(s.FindUsers), l.find),
		JWKS:           c.Public("jwks", httpkit.Typed(s.Keys)),

		Keys:        c.Service("keys", httpkit.Typed(s.Keys)),
		Revocations: c.Service("revocations", httpkit.Typed(s.Revocations)),
		Users:       c.Service("users", httpkit.Typed(s.Users)),
		Recipients:  c.Service("recipients", httpkit.Typed(s.Recipients)),

		tutorialEndpoints: newTutorialEndpoints(s, c, l),
	}
}

// method is a Service's method.
type method[Req, Resp any] = func(context.Context, Req) (Resp, error)

// publicMethods returns the methods that strangers call, which need to know more of the request than its body.
func publicMethods(s Service, limiter ratelimit.Limiter, l limits) (
	register method[RegisterRequest, Tokens], login method[LoginRequest, Tokens], forgot method[ForgotPasswordRequest, httpkit.Empty],
) {
	register = func(ctx context.Context, r RegisterRequest) (Tokens, error) {
		r.Client.Label = httpkit.InfoFrom(ctx).UserAgent
		return s.Register(ctx, r)
	}
	login = func(ctx context.Context, r LoginRequest) (Tokens, error) {
		if err := limitAccount(ctx, limiter, l.loginAccount, r.Email); err != nil {
			return Tokens{}, err
		}
		r.Client.Label = httpkit.InfoFrom(ctx).UserAgent
		return s.Login(ctx, r)
	}
	forgot = func(ctx context.Context, r ForgotPasswordRequest) (httpkit.Empty, error) {
		if err := limitAccount(ctx, limiter, l.forgotAccount, r.Email); err != nil {
			return httpkit.Empty{}, err
		}
		return s.ForgotPassword(ctx, r)
	}
	return register, login, forgot
}

// limitAccount counts requests for one email address, whether or not it has an account; what is no address the service refuses
// anyway. The limiter's store does not get to see it.
func limitAccount(ctx context.Context, limiter ratelimit.Limiter, rule ratelimit.Rule, email string) error {
	email, err := normalEmail(email)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	account := sha256.Sum256([]byte(email))
	if result := limiter.Allow(ctx, rule, hex.EncodeToString(account[:])); !result.Allowed {
		return fault.New(fault.RateLimited, "rate_limited", "Too many requests for this account. Try again later.").After(result.Retry)
	}
	return nil
}
