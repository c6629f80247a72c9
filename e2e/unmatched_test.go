package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/peer"
)

func TestWhatNoRouteTakesIsSaidSoInTheStyleOfThePath(t *testing.T) {
	for name, test := range map[string]struct {
		method, path string
		status       int
		says, allow  string
	}{
		"a path that is not there":                    {"GET", "/v1/users/someone/else", 404, "no_such_route", ""},
		"a path behind a route's":                     {"GET", "/v1/messages/m1/body", 404, "no_such_route", ""},
		"a path with a slash too many":                {"GET", "/v1/conversations/", 404, "no_such_route", ""},
		"another method":                              {"PUT", "/v1/messages/m1", 405, "method_not_allowed", "DELETE, GET, PATCH"},
		"another method on a list":                    {"DELETE", "/v1/conversations", 405, "method_not_allowed", "GET, POST"},
		"a post to a socket":                          {"POST", "/v1/ws", 405, "method_not_allowed", "GET"},
		"a path that is not there, for the tutorial":  {"GET", "/api/auth/nothing", 404, "There is nothing at this path.", ""},
		"another method, for the tutorial":            {"GET", "/api/auth/login", 405, "The path does not take this method.", "POST"},
		"another method on a chat, for the tutorial":  {"PATCH", "/api/chat/c1", 405, "The path does not take this method.", "DELETE, GET, POST"},
		"a conversation's path without a recipient":   {"POST", "/api/chat/new/", 404, "There is nothing at this path.", ""},
		"a reset without a token, which is no crash":  {"POST", "/api/auth/reset-password/", 404, "There is nothing at this path.", ""},
		"a method that HTTP does not know, in a path": {"BREW", "/v1/messages", 405, "method_not_allowed", "GET, POST"},
	} {
		t.Run(name, func(t *testing.T) {
			a := visit(underTest.url).call(t, test.method, test.path, nil)
			refuse(t, test.status, test.says, a)
			if got := a.header.Get("Allow"); got != test.allow {
				t.Fatalf("Allow is %q, want %q", got, test.allow)
			}
		})
	}
}

func TestInternalRoutesAreNotOnThePublicPort(t *testing.T) {
	for _, path := range []string{
		peer.PathKeys, peer.PathRevocations, peer.PathUsers, peer.PathRecipients,
		peer.PathMemberships, peer.PathMemberSets, peer.PathMemberVersions, peer.PathRaiseHeads, peer.PathMarkRead,
		peer.PathSend, peer.PathEdit, peer.PathStoreFirst, peer.PathLast, peer.PathFeed, peer.PathNewest,
	} {
		for _, way := range []string{path, "/v1/users/.." + path, "/v1/users/%2e%2e/.." + path, "//" + strings.TrimPrefix(path, "/")} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, underTest.url, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.URL.Opaque = way // as it is
			response, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if a, err := read(response); err != nil || a.status < 300 || a.status == http.StatusUnauthorized || a.status >= 500 {
				t.Errorf("POST %s answers %d, %v: %s", way, a.status, err, a.body)
			}
		}
	}
}
