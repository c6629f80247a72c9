package e2e_test

import (
	"strings"
	"testing"
)

func TestSocketLetsInWhomItShould(t *testing.T) {
	people := newCast(t, underTest.url)
	for who, want := range map[caller]frame{
		nobody:   {Type: "error", Code: "unauthenticated"},
		forger:   {Type: "closed", Seq: 4503},
		lapsed:   {Type: "closed", Seq: 4503},
		stranger: {Type: "error", Code: "conversation_not_found"},
		former:   {Type: "error", Code: "conversation_not_found"},
		plain:    {Type: "reply"},
		owner:    {Type: "reply"},
	} {
		t.Run(string(who), func(t *testing.T) {
			s := people.scene(t)
			got := s.visitor(who).dial(t).join(s.conversation)
			if got.Type != want.Type || got.Seq != want.Seq || want.Code != "" && got.Code != want.Code {
				t.Fatalf("got %+v, want %+v", got, want)
			}
			if got.Type == "reply" && got.Joined.Rev != 1 {
				t.Fatalf("joined at %+v, want the one message's rev", got.Joined)
			}
		})
	}
}

func TestSocketIsRefusedWithAProblem(t *testing.T) {
	ann := register(t, underTest.url)
	for name, test := range map[string]struct {
		headers []string
		status  int
		says    string
	}{
		"a request that is no upgrade": {nil, 400, "upgrade_required"},
		"an upgrade of no version":     {[]string{"Connection", "Upgrade", "Upgrade", "websocket"}, 400, "bad_handshake"},
		"a page of another origin":     {[]string{"Connection", "Upgrade", "Upgrade", "websocket", "Origin", "https://evil.example"}, 403, "origin_not_allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, test.status, test.says, ann.call(t, "GET", "/v1/ws", nil, test.headers...))
		})
	}
}

func TestFormsOfBadTokensAreRefused(t *testing.T) {
	ann := register(t, underTest.url)
	parts := strings.Split(ann.token, ".")
	none := "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" // {"alg":"none","typ":"JWT"}
	for name, header := range map[string]string{
		"no token":                  "Bearer ",
		"no scheme":                 ann.token,
		"another scheme":            "Basic " + ann.token,
		"a word":                    "Bearer x",
		"a changed signature":       "Bearer " + forge(ann.token),
		"a changed payload":         "Bearer " + parts[0] + "." + parts[1][:len(parts[1])-2] + "." + parts[2],
		"no signature, and says so": "Bearer " + none + "." + parts[1] + ".",
		"no signature":              "Bearer " + parts[0] + "." + parts[1] + ".",
		"a refresh token":           "Bearer " + ann.refresh,
		"a token that has expired":  "Bearer " + underTest.expired,
		"a very long one":           "Bearer " + strings.Repeat("x", 8000),
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, 401, "token_refused", ann.call(t, "GET", "/v1/users/me", nil, "Authorization", header))
			refuse(t, 401, "Unauthorized", ann.call(t, "GET", "/api/protected", nil, "Authorization", header))
		})
	}
	a := ann.with("").call(t, "GET", "/v1/users/me", nil, "Cookie", "token="+ann.token)
	refuse(t, 401, "token_refused", a) // no page can act for her by her browser alone
}
