package realtime

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// Cookies and origins: a browser adds the user's cookie to the request of any page.
func TestWhatATokenIsTakenFrom(t *testing.T) {
	g := inMemory(t)
	token := g.issuer.Token(t, "ada", time.Hour)
	cookie := "token=" + url.PathEscape("JWT "+token)
	const in, unknown, refused = "in", "no token", "refused"
	friend, own := "http://localhost:8080", g.http
	tests := []struct {
		name   string
		query  string
		header http.Header
		want   string
	}{
		{"the Authorization header", "", header("Authorization", "Bearer "+token), in},
		{"the header with the tutorial's scheme", "", header("Authorization", "JWT "+token), in},
		{"the header without a scheme", "", header("Authorization", token), in},
		{"the query", "?token=" + token, nil, in},
		{"the query with a scheme", "?token=" + url.QueryEscape("JWT "+token), nil, in},
		{"the query of a page that is a friend", "?token=" + token, header("Origin", friend), in},
		{"nothing", "", nil, unknown},
		{"an empty query", "?token=", nil, unknown},
		{"the header before the query", "?token=" + token, header("Authorization", "Bearer wrong"), refused},
		{"a wrong token", "?token=wrong", nil, refused},
		{"another scheme", "", header("Authorization", "Basic YWRhOmFkYQ=="), refused},
		{"a cookie of a page that is a friend", "", header("Cookie", cookie, "Origin", friend), in},
		{"a cookie without scheme", "", header("Cookie", "token="+token, "Origin", friend), in},
		{"a cookie with a bare space", "", header("Cookie", "token=JWT "+token, "Origin", friend), in},
		{"a cookie of our own page, as the browser says", "", header("Cookie", cookie, "Origin", own, "Sec-Fetch-Site", "same-origin"), in},
		{"a cookie of our own page behind a proxy", "", header("Cookie", cookie, "Origin", "https://chat.example", "Sec-Fetch-Site", "same-origin"), in},
		{"a cookie of our own page, as nobody says", "", header("Cookie", cookie, "Origin", own), unknown},
		{"a cookie without origin", "", header("Cookie", cookie), unknown},
		{"a cookie of a sister site", "", header("Cookie", cookie, "Sec-Fetch-Site", "same-site"), unknown},
		{"a cookie of another site", "", header("Cookie", cookie, "Sec-Fetch-Site", "cross-site"), unknown},
		{"a cookie with a wrong token", "", header("Cookie", "token=wrong", "Origin", friend), refused},
		{"a cookie that is no URL encoding", "", header("Cookie", "token=%zz", "Origin", friend), unknown},
		{"an empty cookie", "", header("Cookie", "token=", "Origin", friend), unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := g.dial(t, tt.query, tt.header)
			if tt.want == refused {
				c.wantClose(endRefused.code)
				return
			}
			c.send(`{"id":1,"type":"ping"}`)
			if tt.want == in {
				c.want("reply")
			} else {
				c.wantCode("unauthenticated")
			}
		})
	}
}

func TestPagesOfOtherSitesOpenNoSocket(t *testing.T) {
	g := inMemory(t)
	query := "?token=" + g.issuer.Token(t, "ada", time.Hour)
	for _, origin := range []string{
		"http://evil.example", "null", "http://localhost:8081", "https://localhost:8080", "http://localhost:8080.evil.example",
		"localhost:8080", "file://", "http://", "http://evil.example/" + strings.TrimPrefix(g.http, "http://"), "%zz",
	} {
		t.Run(origin, func(t *testing.T) {
			status, code := g.refused(t, query, header("Origin", origin, "Sec-Fetch-Site", "cross-site"))
			if status != http.StatusForbidden || code != "origin_not_allowed" {
				t.Errorf("refused with %d %q", status, code)
			}
		})
	}
}

func TestWhatIsNoHandshakeIsAProblem(t *testing.T) {
	g := inMemory(t)
	if p := servertest.Want[servertest.Problem](t, 400, servertest.Call(t, "GET", g.http+"/v1/ws", "", nil)); p.Code != "upgrade_required" {
		t.Errorf("code %q", p.Code)
	}
	if p := servertest.Want[servertest.Problem](t, 405, servertest.Call(t, "POST", g.http+"/v1/ws", "", nil)); p.Code != "method_not_allowed" {
		t.Errorf("code %q", p.Code)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, g.http+"/v1/ws", http.NoBody)
	r.Header = header("Connection", "upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "8")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("an old version: status %d", response.StatusCode)
	}
}

func TestTheFirstFrameMayBringTheToken(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	c := g.dial(t, "", nil)
	c.send(`{"id":1,"type":"join","conversation":"c"}`)
	c.wantCode("unauthenticated")
	token := g.issuer.Token(t, "ada", time.Hour)
	c.send(`{"id":2,"type":"auth","token":"` + token + `"}`)
	if s := c.want("reply"); s.Session == nil || s.Session.UserID != "ada" || time.Until(s.Session.ExpiresAt.Time) < time.Minute {
		t.Errorf("received %+v", s)
	}
	c.join("c")
	g.publish(chat.UserChannel("ada"), chat.InboxEvent{Type: chat.Inbox, ConversationID: "c"})
	c.want(chat.Inbox)
}

func TestARefusedFirstTokenIsAnErrorAndTheEnd(t *testing.T) {
	g := inMemory(t)
	c := g.dial(t, "", nil)
	c.send(`{"id":2,"type":"auth","token":"wrong"}`)
	c.wantCode("token_refused")
	c.wantClose(endRefused.code)
}

func TestBeforeTheKeysAreThereAClientIsAskedToTryAgain(t *testing.T) {
	g := inMemory(t)
	env := servertest.Env(t, &peer.Peers{Auth: g.issuer, Conversations: g.world, Messages: g.world})
	env.Broker = broker.NewMemory()
	app, err := New(t.Context(), Config{}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	if app.Ready(t.Context()) == nil {
		t.Error("ready without keys")
	}
	unready := &gateway{world: g.world, app: app, issuer: g.issuer, http: serve(t, app)}
	status, code := unready.refused(t, "?token="+g.issuer.Token(t, "ada", time.Hour), nil)
	if status != http.StatusServiceUnavailable || code != "keys_unavailable" {
		t.Errorf("refused with %d %q", status, code)
	}
	c := unready.dial(t, "", nil)
	c.send(`{"id":2,"type":"auth","token":"` + g.issuer.Token(t, "ada", time.Hour) + `"}`)
	c.wantCode("keys_unavailable")
	c.wantClose(endUnavailable.code)
}

func TestANetworkThatHammersTheDoorLeavesRoomForOthers(t *testing.T) {
	g := startBehindProxy(t, Config{ConnectRate: 20})
	hammer := header("Connection", "upgrade", "Upgrade", "websocket", "X-Forwarded-For", "192.0.2.1") // neither key nor token
	refused := 0
	for range 200 {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, g.http+"/v1/ws", http.NoBody)
		r.Header = hammer
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusServiceUnavailable {
			refused++
		}
	}
	if refused == 0 {
		t.Error("nobody is refused")
	}
	for _, address := range []string{"192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"} {
		g.dial(t, "?token="+g.issuer.Token(t, "ada", time.Hour), header("X-Forwarded-For", address)).wantNothing()
	}
}

// startBehindProxy starts a gateway that believes this machine's X-Forwarded-For.
func startBehindProxy(t *testing.T, cfg Config) *gateway {
	t.Helper()
	w, issuer := newWorld(t, broker.NewMemory()), tokentest.New("ada")
	env := servertest.Env(t, &peer.Peers{Auth: issuer, Conversations: w, Messages: w})
	if err := env.HTTP.TrustedProxies.Set("127.0.0.0/8"); err != nil {
		t.Fatal(err)
	}
	app, err := New(t.Context(), cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	return &gateway{world: w, app: app, issuer: issuer, http: servertest.Start(t, app).Public}
}
