package httpkit_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/httpkit"
)

func TestOnlyAllowedOriginsMayCallWithCredentials(t *testing.T) {
	const ours = "http://localhost:8080"
	h := httpkit.CORS(config.List{ours, "https://chat.example"}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	}))
	for name, test := range map[string]struct {
		method, origin, asked string
		status                int
		allowed               string
	}{
		"an allowed page":                    {"GET", ours, "", 418, ours},
		"another allowed page":               {"POST", "https://chat.example", "", 418, "https://chat.example"},
		"its preflight":                      {"OPTIONS", ours, "PATCH", 204, ours},
		"OPTIONS that is no preflight":       {"OPTIONS", ours, "", 418, ours},
		"an unlisted page":                   {"GET", "http://evil.example", "", 418, ""},
		"an unlisted page's preflight":       {"OPTIONS", "http://evil.example", "PATCH", 418, ""},
		"an origin that only begins like it": {"GET", ours + "0", "", 418, ""},
		"a sandboxed page":                   {"GET", "null", "", 418, ""},
		"no page":                            {"GET", "", "", 418, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, "/", http.NoBody)
			r.Header.Set("Origin", test.origin)
			r.Header.Set("Access-Control-Request-Method", test.asked)
			answer := answerTo(h, r)
			credentials := map[bool]string{true: "true"}[test.allowed != ""]
			got := answer.Header
			if answer.Status != test.status || got.Get("Access-Control-Allow-Origin") != test.allowed || got.Get("Access-Control-Allow-Credentials") != credentials {
				t.Fatalf("%d %v", answer.Status, got)
			}
			if readable := got.Get("Access-Control-Expose-Headers"); strings.Contains(readable, "Retry-After") != (test.allowed != "") {
				t.Fatalf("the page may read %q", readable)
			}
			if got.Get("Vary") != "Origin" {
				t.Fatalf("a cache may give this answer to another origin: Vary is %q", got.Get("Vary"))
			}
			if preflight := answer.Status == http.StatusNoContent; preflight != strings.Contains(got.Get("Access-Control-Allow-Methods"), "PATCH") ||
				preflight != strings.Contains(got.Get("Access-Control-Allow-Headers"), "Authorization") {
				t.Fatalf("allowed are %q with %q", got.Get("Access-Control-Allow-Methods"), got.Get("Access-Control-Allow-Headers"))
			}
		})
	}
}
