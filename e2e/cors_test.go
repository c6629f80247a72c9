package e2e_test

import (
	"strings"
	"testing"
)

// The page of the tutorial's client, which is allowed by default.
const page8080 = "http://localhost:8080"

func TestPageOfAnAllowedOriginMayCallWithCredentials(t *testing.T) {
	ann := register(t, underTest.url)
	for name, test := range map[string]struct {
		method, path, token string
		status              int
	}{
		"an answer":               {"GET", "/api/protected", ann.token, 200},
		"an answer of another":    {"GET", "/api/chat", ann.token, 200},
		"a refusal":               {"GET", "/api/protected", "", 401},
		"an error":                {"POST", "/api/auth/register", "", 422},
		"a path that is not here": {"GET", "/api/nothing", "", 404},
		"Confab's own":            {"GET", "/v1/users/me", ann.token, 200},
		"a refusal of its own":    {"GET", "/v1/messages", "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			a := ann.with(test.token).call(t, test.method, test.path, nil, "Origin", page8080)
			if a.status != test.status {
				t.Fatalf("%d %s, want %d", a.status, a.body, test.status)
			}
			requireCORS(t, a, page8080)
			if exposed := a.header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "Retry-After") || !strings.Contains(exposed, "X-Request-Id") {
				t.Fatalf("the page may read %q", exposed)
			}
		})
	}
}

func TestPreflightAllowsWhatTheClientsSend(t *testing.T) {
	for _, path := range []string{"/api/auth/login", "/api/chat/c1", "/api/chat/message/m1", "/v1/messages", "/v1/conversations/c1/read"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			a := visit(underTest.url).call(t, "OPTIONS", path, nil, "Origin", page8080,
				"Access-Control-Request-Method", method, "Access-Control-Request-Headers", "authorization,content-type")
			if a.status != 204 || a.body != "" {
				t.Fatalf("%s: %d %s", path, a.status, a.body)
			}
			requireCORS(t, a, page8080)
			if allowed := a.header.Get("Access-Control-Allow-Methods"); !strings.Contains(allowed, method) {
				t.Fatalf("%s: methods %q", path, allowed)
			}
			allowed := strings.ToLower(a.header.Get("Access-Control-Allow-Headers"))
			if !strings.Contains(allowed, "authorization") || !strings.Contains(allowed, "content-type") {
				t.Fatalf("%s: headers %q", path, allowed)
			}
		}
	}
}

func TestPageOfAnotherOriginIsAllowedNothing(t *testing.T) {
	ann := register(t, underTest.url)
	for _, origin := range []string{"https://evil.example", "null", "http://localhost:8081", "http://localhost:8080.evil.example", "https://localhost:8080"} {
		call := ann.call(t, "GET", "/api/protected", nil, "Origin", origin)
		preflight := ann.call(t, "OPTIONS", "/api/protected", nil, "Origin", origin, "Access-Control-Request-Method", "GET")
		for _, a := range []answer{call, preflight} {
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s gets %s: %s", origin, name, a.header.Get(name))
				}
			}
			if a.header.Get("Vary") != "Origin" {
				t.Errorf("a cache would mix origins: Vary is %q", a.header.Get("Vary"))
			}
		}
	}
}

func requireCORS(t *testing.T, a answer, origin string) {
	t.Helper()
	h := a.header
	if h.Get("Access-Control-Allow-Origin") != origin || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" {
		t.Fatalf("the headers are %v", h)
	}
}
