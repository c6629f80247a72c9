package httpkit_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/tracing"
)

var proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}

// frame returns the context that a handler gets of the request behind trusted proxies, and the answer.
func frame(t testing.TB, r *http.Request) (context.Context, servertest.Answer) {
	t.Helper()
	var ctx context.Context
	answer := answerTo(httpkit.Frame((&journal{}).log(), proxies, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx = r.Context()
	})), r)
	return ctx, answer
}

// infoOf returns the Info that a handler gets of the request behind trusted proxies.
func infoOf(t testing.TB, r *http.Request) *httpkit.Info {
	t.Helper()
	ctx, _ := frame(t, r)
	return httpkit.InfoFrom(ctx)
}

func TestRequestKeepsItsIDWhereItIsOne(t *testing.T) {
	for given, kept := range map[string]bool{
		"req-1_A.b": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a b": false, "a\nb": false, `"`: false, "é": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("X-Request-Id", given)
		ctx, answer := frame(t, r)
		info := httpkit.InfoFrom(ctx)
		if (info.RequestID == given) != kept || info.RequestID == "" || answer.Header.Get("X-Request-Id") != info.RequestID {
			t.Errorf("the id %q becomes %q and is answered as %q", given, info.RequestID, answer.Header.Get("X-Request-Id"))
		}
	}
}

func TestTraceContextIsTakenWhereItIsOne(t *testing.T) {
	const trace = "0af7651916cd43dd8448eb211c80319c"
	for given, taken := range map[string]bool{
		"00-" + trace + "-b7ad6b7169203331-01": true,
		"00-" + trace + "-b7ad6b7169203331-00": true,
		"":                                     false,
		"00-" + trace:                          false,
		"00-" + strings.ToUpper(trace) + "-b7ad6b7169203331-01":       false,
		"00-" + trace + "-b7ad6b7169203331-01\nx":                     false,
		"00-" + trace + "-b7ad6b7169203331-01-x":                      false,
		"00-" + trace + "-" + strings.Repeat("0", 16) + "-01":         false,
		"00-" + strings.Repeat("0", 32) + "-" + "b7ad6b7169203331-01": false,
		"00-" + strings.Repeat("x", 32) + "-" + "b7ad6b7169203331-01": false,
		"ff-" + trace + "-b7ad6b7169203331-01":                        false,
	} {
		id, next := "", ""
		if taken {
			id, next = trace, given
		}
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Traceparent", given)
		ctx, _ := frame(t, r)
		onward := http.Header{}
		tracing.SetHeader(ctx, onward)
		if tracing.ID(ctx) != id || onward.Get("Traceparent") != next {
			t.Errorf("%q gives the trace %q, and %q goes on", given, tracing.ID(ctx), onward.Get("Traceparent"))
		}
	}
}

func TestTokenNeedsAScheme(t *testing.T) {
	for given, want := range map[string]string{
		"Bearer abc": "abc", "bearer  abc ": "abc", "JWT abc": "abc", "jwt abc": "abc",
		"": "", "abc": "", "Bearer": "", "Basic abc": "", "Bearerabc": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Authorization", given)
		if info := infoOf(t, r); info.Token != want {
			t.Errorf("%q gives the token %q, want %q", given, info.Token, want)
		}
	}
}

func TestForwardedAddressCountsOnlyBehindATrustedProxy(t *testing.T) {
	for name, test := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"no proxy":                              {"203.0.113.9:4000", nil, "203.0.113.9"},
		"a stranger says who she is":            {"203.0.113.9:4000", []string{"198.51.100.1"}, "203.0.113.9"},
		"a proxy":                               {"10.0.0.1:4000", []string{"198.51.100.1"}, "198.51.100.1"},
		"a proxy that says nothing":             {"10.0.0.1:4000", nil, "10.0.0.1"},
		"two proxies":                           {"10.0.0.1:4000", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		"a spoofed address before the client's": {"10.0.0.1:4000", []string{"192.0.2.66, 198.51.100.1"}, "198.51.100.1"},
		"a spoofed line before the proxy's":     {"10.0.0.1:4000", []string{"192.0.2.66", "198.51.100.1"}, "198.51.100.1"},
		"nothing but proxies":                   {"10.0.0.1:4000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"what is no address":                    {"10.0.0.1:4000", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		"an address with a port":                {"10.0.0.1:4000", []string{"198.51.100.1:5678"}, "198.51.100.1"},
		"IPv6":                                  {"[fd00::1]:4000", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv4 written as IPv6":                  {"[::ffff:10.0.0.1]:4000", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.RemoteAddr = test.peer
			r.Header["X-Forwarded-For"] = test.forwarded
			if info := infoOf(t, r); info.Address != test.want {
				t.Fatalf("the address is %q, want %q", info.Address, test.want)
			}
		})
	}
}

func TestLimitsCountTheNetworkOfAnIPv6Host(t *testing.T) {
	for address, want := range map[string]string{
		"2001:db8:1:2::7": "2001:db8:1:2::/64", "2001:db8:1:2:ffff::1": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
		"198.51.100.1": "198.51.100.1", "::ffff:198.51.100.1": "::ffff:198.51.100.1", "": "",
	} {
		if got := (&httpkit.Info{Address: address}).Network(); got != want {
			t.Errorf("%q is counted as %q, want %q", address, got, want)
		}
	}
}

func TestPanicIsAnsweredAndLoggedOnceWithItsStack(t *testing.T) {
	var j journal
	h := httpkit.Frame(j.log(), nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(errors.New("secret cause")) }))
	answer := answerTo(h, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	p := servertest.Want[servertest.Problem](t, http.StatusInternalServerError, answer)
	if p.Code != "internal" || strings.Contains(answer.Body, "secret") {
		t.Fatalf("the problem is %s", answer.Body)
	}
	lines := j.lines(t)
	if len(lines) != 1 || lines[0]["request_id"] != answer.Header.Get("X-Request-Id") {
		t.Fatalf("logged %d lines: %v", len(lines), lines)
	}
	if stack, _ := lines[0]["stack"].(string); !strings.Contains(stack, "frame_test.go") {
		t.Fatalf("the stack is %q", stack)
	}
}

func TestAbortedAnswerStaysAborted(t *testing.T) {
	var j journal
	h := httpkit.Frame(j.log(), nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer func() {
		if p, _ := recover().(error); !errors.Is(p, http.ErrAbortHandler) || j.Len() > 0 {
			t.Fatalf("recovered %v, logged %q", p, j.String())
		}
	}()
	answerTo(h, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
}
