package auth

import (
	"context"
	"time"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/ratelimit"
)

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

// publicMethods are the methods that strangers call, which need to know more of the request than its body.
type publicMethods struct {
	service Service
	limiter ratelimit.Limiter
	limits  limits
}

func (p publicMethods) register(ctx context.Context, r RegisterRequest) (Tokens, error) {
	r.Client.see(ctx)
	return p.service.Register(ctx, r)
}

func (p publicMethods) login(ctx context.Context, r LoginRequest) (Tokens, error) {
	r.Client.see(ctx)
	if err := p.limitLogin(ctx, r); err != nil {
		return Tokens{}, err
	}
	return p.service.Login(ctx, r)
}

func (p publicMethods) forgot(ctx context.Context, r ForgotPasswordRequest) (httpkit.Empty, error) {
	email, err := normalEmail(r.Email)
	if err == nil {
		err = p.limitAccount(ctx, p.limits.forgotAccount, accountKey(email, ""))
	}
	if err != nil {
		return httpkit.Empty{}, err
	}
	return p.service.ForgotPassword(ctx, r)
}

func (p publicMethods) reset(ctx context.Context, r ResetPasswordRequest) (httpkit.Empty, error) {
	r.Client.see(ctx)
	return p.service.ResetPassword(ctx, r)
}

// see fills in what the request brought.
func (c *Client) see(ctx context.Context) {
	info := httpkit.InfoFrom(ctx)
	c.Label, c.Network = info.UserAgent, info.Network()
}

// limitLogin counts a login of an account, whether or not it exists. All networks that the account does not know share one count,
// however many they are, so guessing from many is as slow as from one. Those that it knows have one each, so that strangers who
// use up theirs don't lock its user out.
func (p publicMethods) limitLogin(ctx context.Context, r LoginRequest) error {
	email, err := normalEmail(r.Email)
	if err != nil {
		return err
	}
	known, err := p.service.KnowsNetwork(ctx, email, r.Client.Network)
	if err != nil {
		return err
	}
	key := accountKey(email, "")
	if known {
		key = accountKey(email, r.Client.Network)
	}
	return p.limitAccount(ctx, p.limits.loginAccount, key)
}

func (p publicMethods) limitAccount(ctx context.Context, rule ratelimit.Rule, key string) error {
	if result := p.limiter.Allow(ctx, rule, key); !result.Allowed {
		return fault.New(fault.RateLimited, "rate_limited", "Too many requests for this account. Try again later.").After(result.Retry)
	}
	return nil
}
