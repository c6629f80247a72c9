package httpkit

import (
	"context"
	"time"

	"github.com/go-kit/kit/endpoint"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/ratelimit"
)

// Typed makes an endpoint of a service's method: the request is decoded only when all middleware has let it pass.
func Typed[Req, Resp any](method func(context.Context, Req) (Resp, error)) endpoint.Endpoint {
	return func(ctx context.Context, decode any) (any, error) {
		var request Req
		if err := decode.(Decode)(&request); err != nil {
			return nil, err
		}
		return method(ctx, request)
	}
}

// Verifier tells whose token it is. It returns an Unauthenticated fault for a bad token and an Unavailable one where it cannot tell.
type Verifier interface {
	Verify(ctx context.Context, token string) (identity.Identity, error)
}

// Chain is the middleware of a service's endpoints, outermost first: metrics, the bound on requests under way, timeout, authentication,
// limits. Other services have a bound of their own: a request of a client may wait for one of theirs.
type Chain struct {
	Users    Verifier // of /v1 and /api
	Services Verifier // of /internal/
	Limiter  ratelimit.Limiter
	Timeout  time.Duration
	clients  *inFlight
	peers    *inFlight
	requests *prometheus.HistogramVec
}

// NewChain registers the requests' histogram and gauges. most is how many requests of clients may be under way at once, and how many of
// other services.
func NewChain(registerer prometheus.Registerer, users, services Verifier, limiter ratelimit.Limiter, timeout time.Duration, most int64) *Chain {
	c := &Chain{Users: users, Services: services, Limiter: limiter, Timeout: timeout}
	c.clients, c.peers = newInFlight(registerer, "clients", most), newInFlight(registerer, "services", most)
	c.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "confab_request_duration_seconds",
		Help:    "Time from a request's arrival at its endpoint to the answer, by endpoint and kind of outcome.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"endpoint", "kind"})
	registerer.MustRegister(c.requests)
	return c
}

// Public wraps an endpoint that needs no token; its rules count by the client's network.
func (c *Chain) Public(name string, e endpoint.Endpoint, rules ...ratelimit.Rule) endpoint.Endpoint {
	return c.wrap(name, c.clients, c.limit(rules, func(ctx context.Context) string { return InfoFrom(ctx).Network() }, e))
}

// User wraps an endpoint that needs a user's token; its rules count by the user.
func (c *Chain) User(name string, e endpoint.Endpoint, rules ...ratelimit.Rule) endpoint.Endpoint {
	return c.wrap(name, c.clients, authenticate(c.Users, c.limit(rules, identity.UserID, e)))
}

// Service wraps an endpoint of /internal/, which needs a service token.
func (c *Chain) Service(name string, e endpoint.Endpoint) endpoint.Endpoint {
	return c.wrap(name, c.peers, authenticate(c.Services, e))
}

func (c *Chain) wrap(name string, f *inFlight, next endpoint.Endpoint) endpoint.Endpoint {
	next = f.bound(next)
	requests := c.requests.MustCurryWith(prometheus.Labels{"endpoint": name})
	requests.WithLabelValues("ok") // shown from the start
	return func(ctx context.Context, request any) (any, error) {
		start, kind := time.Now(), string(fault.Internal) // stays where next panics
		defer func() { requests.WithLabelValues(kind).Observe(time.Since(start).Seconds()) }()
		ctx, cancel := context.WithTimeout(ctx, c.timeout(ctx, f))
		defer cancel()
		response, err := next(ctx, request)
		if err != nil {
			kind = string(fault.From(err).Kind)
			return nil, err
		}
		kind = "ok"
		return response, nil
	}
}

// timeout believes other services alone how long they wait: a client that does not could have each of a service's calls end at once.
func (c *Chain) timeout(ctx context.Context, f *inFlight) time.Duration {
	if wait := InfoFrom(ctx).Wait; wait > 0 && f == c.peers {
		return min(c.Timeout, wait)
	}
	return c.Timeout
}

func authenticate(v Verifier, next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		who, err := v.Verify(ctx, InfoFrom(ctx).Token)
		if err != nil {
			return nil, err
		}
		return next(identity.With(ctx, who), request)
	}
}

func (c *Chain) limit(rules []ratelimit.Rule, key func(context.Context) string, next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		for _, rule := range rules {
			if err := Allow(ctx, c.Limiter, rule, key(ctx)); err != nil {
				return nil, err
			}
		}
		return next(ctx, request)
	}
}

// Allow counts a request against a rule, and has the answer tell how that stands. It returns a RateLimited fault where it is one too many.
func Allow(ctx context.Context, limiter ratelimit.Limiter, rule ratelimit.Rule, key string) error {
	if rule.Burst == 0 {
		return nil
	}
	result := limiter.Allow(ctx, rule, key)
	InfoFrom(ctx).limited = &result
	if !result.Allowed {
		return fault.New(fault.RateLimited, "rate_limited", "Too many requests. Try again later.").After(result.Retry)
	}
	return nil
}
