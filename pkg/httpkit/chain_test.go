package httpkit_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/endpoint"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

// prefix is a Verifier of the tokens that begin with it; the rest is the user's id.
type prefix string

func (p prefix) Verify(_ context.Context, token string) (identity.Identity, error) {
	userID, ok := strings.CutPrefix(token, string(p))
	if !ok {
		return identity.Identity{}, fault.New(fault.Unauthenticated, "refused", "No.")
	}
	return identity.Identity{UserID: userID}, nil
}

// chained is a chain whose endpoints the test calls as a client of its address does.
type chained struct {
	*httpkit.Chain
	registry *prometheus.Registry
	handler  http.Handler
}

func newChain() *chained {
	registry := prometheus.NewRegistry()
	return &chained{Chain: httpkit.NewChain(registry, prefix("user-"), prefix("service-"), ratelimit.NewMemory(), time.Second, 2), registry: registry}
}

func (c *chained) call(token, address, body string) servertest.Answer {
	r := jsonRequest("/", body)
	r.Header.Set("Authorization", "Bearer "+token)
	r.RemoteAddr = address + ":4000"
	return answerTo(httpkit.Frame((&journal{}).log(), nil, c.handler), r)
}

// observed returns how many requests the histogram has counted, by "endpoint kind"; those with none are left out.
func (c *chained) observed(t *testing.T) map[string]uint64 {
	t.Helper()
	families, err := c.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			if n := m.GetHistogram().GetSampleCount(); n > 0 {
				counts[strings.Join(labels, " ")] = n
			}
		}
	}
	return counts
}

// wrapper is Chain.Public or Chain.User.
type wrapper func(name string, e endpoint.Endpoint, rules ...ratelimit.Rule) endpoint.Endpoint

// serve makes the method the one endpoint, named "write".
func (c *chained) serve(wrap wrapper, method func(context.Context, note) (httpkit.Empty, error), rules ...ratelimit.Rule) {
	c.handler = httpkit.NewServer((&journal{}).log()).Handle(wrap("write", httpkit.Typed(method), rules...))
}

func nothing(context.Context, note) (httpkit.Empty, error) { return httpkit.Empty{}, nil }

func TestStrangerLearnsNothingFromAMalformedRequest(t *testing.T) {
	c := newChain()
	var who []string
	c.serve(c.User, func(ctx context.Context, _ note) (httpkit.Empty, error) {
		who = append(who, identity.UserID(ctx))
		return httpkit.Empty{}, nil
	})
	for _, test := range []struct {
		name, token, body string
		status            int
	}{
		{"a stranger", "", "{", 401}, {"a service", "service-x", "{", 401},
		{"a user with a malformed body", "user-ann", "{", 400}, {"a user", "user-ann", "{}", 204},
	} {
		if answer := c.call(test.token, "192.0.2.1", test.body); answer.Status != test.status {
			t.Errorf("%s gets %d %s", test.name, answer.Status, answer.Body)
		}
	}
	want := map[string]uint64{"write unauthenticated": 2, "write invalid": 1, "write ok": 1}
	if counts := c.observed(t); fmt.Sprint(counts) != fmt.Sprint(want) || fmt.Sprint(who) != "[ann]" {
		t.Fatalf("observed %v, acted %v", counts, who)
	}
}

func TestServiceEndpointTakesNoUserToken(t *testing.T) {
	c := newChain()
	c.handler = httpkit.NewServer((&journal{}).log()).Internal(c.Service("raise", answering(httpkit.Empty{}, nil)))
	for token, status := range map[string]int{"": 401, "user-ann": 401, "service-": 204} {
		if answer := c.call(token, "192.0.2.1", "{}"); answer.Status != status {
			t.Errorf("the token %q gets %d", token, answer.Status)
		}
	}
}

func TestLimitCountsBySomebody(t *testing.T) {
	rule := ratelimit.Rule{Name: "writes", Burst: 2, Period: time.Minute}
	for name, test := range map[string]struct {
		wrap  func(*chained) wrapper
		calls [][2]string // token and address
		want  []int
	}{
		"by the user, wherever she is": {
			func(c *chained) wrapper { return c.User },
			[][2]string{{"user-ann", "192.0.2.1"}, {"user-ann", "192.0.2.2"}, {"user-ann", "192.0.2.3"}, {"user-bob", "192.0.2.1"}}, []int{204, 204, 429, 204},
		},
		"by the address, whatever the token": {
			func(c *chained) wrapper { return c.Public },
			[][2]string{{"", "192.0.2.1"}, {"user-ann", "192.0.2.1"}, {"user-bob", "192.0.2.1"}, {"", "192.0.2.2"}}, []int{204, 204, 429, 204},
		},
		"not without a token": {
			func(c *chained) wrapper { return c.User },
			[][2]string{{"", "192.0.2.1"}, {"", "192.0.2.1"}, {"", "192.0.2.1"}}, []int{401, 401, 401},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newChain()
				c.serve(test.wrap(c), nothing, ratelimit.Rule{}, rule)
				for i, call := range test.calls {
					if answer := c.call(call[0], call[1], "{}"); answer.Status != test.want[i] {
						t.Fatalf("call %d gets %d %v", i+1, answer.Status, answer.Header)
					}
				}
			})
		})
	}
}

func TestClientIsToldHowItsLimitStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain()
		c.serve(c.User, nothing, ratelimit.Rule{Name: "writes", Burst: 2, Period: 3 * time.Second})
		for i, want := range []struct {
			status            int
			limit, retryAfter string
		}{{204, `"writes";r=1;t=2`, ""}, {204, `"writes";r=0;t=3`, ""}, {429, `"writes";r=0;t=3`, "2"}} {
			answer := c.call("user-ann", "192.0.2.1", "{}")
			got, policy := answer.Header.Get("RateLimit"), answer.Header.Get("RateLimit-Policy")
			if answer.Status != want.status || got != want.limit || policy != `"writes";q=2;w=3` || answer.Header.Get("Retry-After") != want.retryAfter {
				t.Fatalf("call %d is answered %+v", i+1, answer)
			}
		}
		time.Sleep(2 * time.Second) // as the refusal said
		if answer := c.call("user-ann", "192.0.2.1", "{}"); answer.Status != http.StatusNoContent {
			t.Fatalf("after the wait: %+v", answer)
		}
		if counts := c.observed(t); counts["write rate_limited"] != 1 {
			t.Fatalf("observed %v", counts)
		}
	})
}

func TestSlowEndpointIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain()
		c.serve(c.Public, func(ctx context.Context, _ note) (httpkit.Empty, error) {
			<-ctx.Done()
			return httpkit.Empty{}, fmt.Errorf("reading: %w", ctx.Err())
		})
		start := time.Now()
		answer := c.call("", "192.0.2.1", "{}")
		p := servertest.Want[servertest.Problem](t, http.StatusServiceUnavailable, answer)
		if p.Code != "timeout" || answer.Header.Get("Retry-After") != "1" || time.Since(start) != c.Timeout {
			t.Fatalf("after %v: %+v", time.Since(start), answer)
		}
		if counts := c.observed(t); counts["write unavailable"] != 1 {
			t.Fatalf("observed %v", counts)
		}
	})
}

// A client that asked for no time could have each call of a service to another end at once, and so the other seem away.
func TestOnlyServicesSayHowLongTheyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain()
		var left time.Duration
		c.serve(c.Public, func(ctx context.Context, _ note) (httpkit.Empty, error) {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			return httpkit.Empty{}, nil
		})
		r := jsonRequest("/", "{}")
		answerTo(c.handler, r.WithContext(httpkit.WithInfo(t.Context(), &httpkit.Info{Wait: time.Millisecond})))
		if left != c.Timeout {
			t.Errorf("a client was given %v", left)
		}
	})
}

func TestClientThatLeavesIsNoFailure(t *testing.T) {
	c := newChain()
	c.serve(c.Public, func(ctx context.Context, _ note) (httpkit.Empty, error) { return httpkit.Empty{}, ctx.Err() })
	ctx, leave := context.WithCancel(t.Context())
	leave()
	answer := answerTo(c.handler, jsonRequest("/", "{}").WithContext(ctx))
	if counts := c.observed(t); answer.Status != 499 || counts["write canceled"] != 1 {
		t.Fatalf("observed %v, answered %+v", counts, answer)
	}
}

func TestPanicIsCounted(t *testing.T) {
	c := newChain()
	c.serve(c.Public, func(context.Context, note) (httpkit.Empty, error) { panic("oh") })
	if answer := c.call("", "192.0.2.1", "{}"); answer.Status != http.StatusInternalServerError || c.observed(t)["write internal"] != 1 {
		t.Fatalf("observed %v, answered %+v", c.observed(t), answer)
	}
}
