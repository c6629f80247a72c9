package e2e_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// knocking is a handshake and what comes of it: with status 101 a socket that is the visitor's (in), nobody's yet (not in), or is closed
// with 4503 (refused).
type knocking struct {
	query   string
	headers []string
	status  int
	in      bool
	refused bool
}

// try opens the socket. The visitor has no token but that of the query and the headers.
func (k knocking) try(t *testing.T, v visitor) {
	t.Helper()
	if k.status != 101 {
		conn, response, err := v.knock(t, websocket.DefaultDialer, k.query, k.headers...)
		if err == nil {
			_ = conn.Close()
			t.Fatal("the socket is opened")
		}
		if response == nil {
			t.Fatal(err)
		}
		a, err := read(response)
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, k.status, "origin_not_allowed", a)
		return
	}
	s := v.dialBy(t, websocket.DefaultDialer, k.query, k.headers...)
	f, _ := s.command(map[string]any{"type": "ping"})
	switch want := (frame{Type: f.Type, Seq: f.Seq, Code: f.Code}); {
	case k.in && want != frame{Type: "reply"},
		k.refused && want != frame{Type: "closed", Seq: 4503, Code: "token_refused"},
		!k.in && !k.refused && want != frame{Type: "error", Code: "unauthenticated"}:
		t.Fatalf("a ping is answered by %+v", want)
	}
}

func TestTokenComesInTheHeaderOrTheQuery(t *testing.T) {
	ann := register(t, underTest.url)
	good, bad := ann.token, forge(ann.token)
	for name, k := range map[string]knocking{
		"none":                                {status: 101},
		"in the header":                       {headers: []string{"Authorization", "Bearer " + good}, status: 101, in: true},
		"in the header, as the tutorial's":    {headers: []string{"Authorization", "JWT " + good}, status: 101, in: true},
		"in the header, the scheme in small":  {headers: []string{"Authorization", "bearer " + good}, status: 101, in: true},
		"in the header, of another scheme":    {headers: []string{"Authorization", "Basic " + good}, status: 101, refused: true},
		"in the header, a bad one":            {headers: []string{"Authorization", "Bearer " + bad}, status: 101, refused: true},
		"in the header, an expired one":       {headers: []string{"Authorization", "Bearer " + underTest.expired}, status: 101, refused: true},
		"in the header, a refresh token":      {headers: []string{"Authorization", "Bearer " + ann.refresh}, status: 101, refused: true},
		"in the header, the scheme alone":     {headers: []string{"Authorization", "Bearer"}, status: 101, refused: true},
		"in the query":                        {query: "?token=" + good, status: 101, in: true},
		"in the query, with a scheme":         {query: "?token=" + url.QueryEscape("JWT "+good), status: 101, in: true},
		"in the query, empty":                 {query: "?token=", status: 101},
		"in the query, a bad one":             {query: "?token=" + bad, status: 101, refused: true},
		"in the query, half of it":            {query: "?token=" + good[:40], status: 101, refused: true},
		"in the query, a NUL":                 {query: "?token=%00", status: 101, refused: true},
		"in the query, a very long one":       {query: "?token=" + strings.Repeat("x", 4000), status: 101, refused: true},
		"in the query twice, the first bad":   {query: "?token=" + bad + "&token=" + good, status: 101, refused: true},
		"in both, the header's counts":        {query: "?token=" + bad, headers: []string{"Authorization", "Bearer " + good}, status: 101, in: true},
		"in both, the header's counts though": {query: "?token=" + good, headers: []string{"Authorization", "Bearer " + bad}, status: 101, refused: true},
	} {
		t.Run(name, func(t *testing.T) { k.try(t, ann.with("")) })
	}
}

func TestCookieCountsOnlyOfAFriendlyPage(t *testing.T) {
	ann := register(t, underTest.url)
	good, bad := "token="+ann.token, "token="+forge(ann.token)
	own := origin(t, "", "")
	for name, k := range map[string]knocking{
		"no origin":                               {headers: []string{"Cookie", good}, status: 101},
		"a foreign origin":                        {headers: []string{"Cookie", good, "Origin", "https://evil.example"}, status: 403},
		"an allowed origin":                       {headers: []string{"Cookie", good, "Origin", page8080}, status: 101, in: true},
		"its own origin, and nothing says so":     {headers: []string{"Cookie", good, "Origin", own}, status: 101},
		"its own origin, as the browser says":     {headers: []string{"Cookie", good, "Origin", own, "Sec-Fetch-Site", "same-origin"}, status: 101, in: true},
		"no origin, as the browser says the same": {headers: []string{"Cookie", good, "Sec-Fetch-Site", "same-origin"}, status: 101, in: true},
		"the same site":                           {headers: []string{"Cookie", good, "Sec-Fetch-Site", "same-site"}, status: 101},
		"another site":                            {headers: []string{"Cookie", good, "Sec-Fetch-Site", "cross-site"}, status: 101},
		"no site":                                 {headers: []string{"Cookie", good, "Sec-Fetch-Site", "none"}, status: 101},
		"quoted":                                  {headers: []string{"Cookie", `token="` + ann.token + `"`, "Origin", page8080}, status: 101, in: true},
		"with the tutorial's scheme":              {headers: []string{"Cookie", "token=JWT " + ann.token, "Origin", page8080}, status: 101, in: true},
		"percent-encoded":                         {headers: []string{"Cookie", "token=JWT%20" + ann.token, "Origin", page8080}, status: 101, in: true},
		"percent-encoded badly":                   {headers: []string{"Cookie", "token=%zz" + ann.token, "Origin", page8080}, status: 101},
		"empty":                                   {headers: []string{"Cookie", "token=", "Origin", page8080}, status: 101},
		"of another name":                         {headers: []string{"Cookie", "Token=" + ann.token, "Origin", page8080}, status: 101},
		"a bad one":                               {headers: []string{"Cookie", bad, "Origin", page8080}, status: 101, refused: true},
		"two, the first good":                     {headers: []string{"Cookie", good + "; " + bad, "Origin", page8080}, status: 101, in: true},
		"two, the first bad":                      {headers: []string{"Cookie", bad + "; " + good, "Origin", page8080}, status: 101, refused: true},
		"beside others":                           {headers: []string{"Cookie", "a=b; " + good + "; c=d", "Origin", page8080}, status: 101, in: true},
		"beside a bad token in the query":         {query: "?token=x", headers: []string{"Cookie", good, "Origin", page8080}, status: 101, refused: true},
	} {
		t.Run(name, func(t *testing.T) { k.try(t, ann.with("")) })
	}
}

// A browser sends an origin in small letters, without a path, and its port where it is not the scheme's own.
func TestPageMayOpenASocketFromItsOwnServerOrAnAllowedOrigin(t *testing.T) {
	ann := register(t, underTest.url)
	for name, test := range map[string]struct {
		origin string
		status int
	}{
		"none":                          {"", 101},
		"its own":                       {origin(t, "", ""), 101},
		"its own, behind TLS":           {origin(t, "https", ""), 101},
		"its own host at another port":  {origin(t, "", "1"), 403},
		"its own host without the port": {strings.TrimSuffix(origin(t, "", "0"), ":0"), 403},
		"an allowed one":                {page8080, 101},
		"an allowed one by https":       {"https://localhost:8080", 403},
		"an allowed one, another port":  {"http://localhost:8081", 403},
		"an allowed one in upper case":  {"HTTP://LOCALHOST:8080", 403},
		"an allowed one with a path":    {page8080 + "/page", 403},
		"one that begins as an allowed": {page8080 + ".evil.example", 403},
		"a foreign one":                 {"https://evil.example", 403},
		"a foreign one of its name":     {"https://evil.example/" + origin(t, "", ""), 403},
		"its own as a user's name":      {strings.Replace(origin(t, "", ""), "://", "://evil.example@", 1) + ".evil.example", 403},
		"null":                          {"null", 403},
		"a file":                        {"file://", 403},
		"no URL":                        {"http://%zz", 403},
		"two":                           {page8080 + " https://evil.example", 403},
	} {
		t.Run(name, func(t *testing.T) {
			k := knocking{status: test.status, in: true}
			if test.origin != "" {
				k.headers = []string{"Origin", test.origin}
			}
			k.try(t, ann.visitor)
		})
	}
}

// origin returns that of the server under test, with another scheme or port where one is given.
func origin(t *testing.T, scheme, port string) string {
	t.Helper()
	u, err := url.Parse(underTest.url)
	if err != nil {
		t.Fatal(err)
	}
	if scheme == "" {
		scheme = u.Scheme
	}
	if port == "" {
		return scheme + "://" + u.Host
	}
	return scheme + "://" + u.Hostname() + ":" + port
}
