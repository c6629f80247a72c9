package client_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/client"
)

// session is a server's side of one: it takes the newest access token alone.
type session struct {
	mu       sync.Mutex
	n        int           // of the newest tokens
	life     time.Duration // of an access token
	until    time.Time
	problems []http.HandlerFunc // answers to the next refreshes
	asked    int
}

// begin has the server keep a session whose access tokens live so long. It returns the first tokens.
func (s *server) begin(life time.Duration) (*session, client.Tokens) {
	k := &session{n: 1, life: life, until: time.Now().Add(life)}
	s.on("POST /v1/auth/refresh", k.refresh)
	s.on("GET /v1/users/me", func(w http.ResponseWriter, r *http.Request) {
		if !k.takes(r.Header.Get("Authorization")) {
			answer(401, `{"code":"token_refused"}`)(w, r)
			return
		}
		answer(200, `{"user":{"id":"me"}}`)(w, r)
	})
	return k, client.Tokens{Access: "token-1", Refresh: "refresh-1", ExpiresAt: k.until}
}

func (k *session) takes(header string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return header == fmt.Sprint("Bearer token-", k.n) && time.Now().Before(k.until)
}

func (k *session) refresh(w http.ResponseWriter, r *http.Request) {
	var body struct {
		RefreshToken string `json:"refresh_token"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.asked++
	switch {
	case len(k.problems) > 0:
		next := k.problems[0]
		k.problems = k.problems[1:]
		next(w, r)
	case body.RefreshToken != fmt.Sprint("refresh-", k.n):
		answer(401, `{"code":"refresh_token_refused"}`)(w, r)
	default:
		k.n++
		k.until = time.Now().Add(k.life)
		answer(200, fmt.Sprintf(`{"access_token":"token-%d","refresh_token":"refresh-%d","expires_in":%d,"session_id":"s1","user":{"id":"me"}}`,
			k.n, k.n, int(k.life.Seconds())))(w, r)
	}
}

func (k *session) fails(problems ...http.HandlerFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.problems = problems
}

func (k *session) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked
}

func TestTokensAreRenewedBeforeTheyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		k, tokens := s.begin(15 * time.Minute)
		c := s.newClient(tokens)
		for range 60 {
			if _, err := c.Me(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if got := k.count(); got != 4 {
			t.Fatalf("renewed %d times in an hour, want one in twelve minutes", got)
		}
	})
}

func TestManyCallersRenewOnce(t *testing.T) {
	for name, expiry := range map[string]func(time.Time) time.Time{
		"a token that is known to have expired": func(t time.Time) time.Time { return t },
		"a token of unknown life":               func(time.Time) time.Time { return time.Time{} },
		"a token that should still be good":     func(t time.Time) time.Time { return t.Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				k, tokens := s.begin(time.Minute)
				tokens.ExpiresAt = expiry(tokens.ExpiresAt)
				var told []string
				c, err := client.New(client.Options{
					URL: "http://confab.test/", HTTP: s.client, Tokens: tokens,
					OnTokens: func(t client.Tokens) { told = append(told, t.Access) },
				})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Minute)
				k.fails(answer(503, `{"code":"busy"}`), hangUp) // the answer that was lost is asked for again
				var callers sync.WaitGroup
				for range 20 {
					callers.Go(func() {
						if _, err := c.Me(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				callers.Wait()
				if got := k.count(); got != 3 || !slices.Equal(told, []string{"token-2"}) {
					t.Fatalf("asked %d times, told of %v", got, told)
				}
				if got := c.Tokens(); got.Access != "token-2" || got.Refresh != "refresh-2" || got.SessionID != "s1" ||
					!got.ExpiresAt.Equal(k.until) {
					t.Fatalf("the tokens are %+v", got)
				}
			})
		})
	}
}

func TestAnEarlyRenewalThatFailsDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		k, tokens := s.begin(10 * time.Minute)
		k.fails(slices.Repeat([]http.HandlerFunc{answer(503, `{"code":"busy"}`)}, 5)...)
		c := s.newClient(tokens)
		time.Sleep(8*time.Minute + time.Second)
		for second := range 40 {
			if _, err := c.Me(t.Context()); err != nil {
				t.Fatal(err)
			}
			if asked := k.count(); asked > 1+second/5 {
				t.Fatalf("asked %d times within %d s", asked, second)
			}
			time.Sleep(time.Second)
		}
		if got := k.count(); got != 6 || c.Tokens().Access != "token-2" {
			t.Fatalf("asked %d times, has %+v", got, c.Tokens())
		}
	})
}

func TestASessionThatIsOverIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		k, tokens := s.begin(time.Minute)
		tokens.Refresh = "refresh-of-old"
		told := []client.Tokens{}
		c, err := client.New(client.Options{
			URL: "http://confab.test", HTTP: s.client, Tokens: tokens, OnTokens: func(t client.Tokens) { told = append(told, t) },
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := c.Me(t.Context()); code(err) != "refresh_token_refused" {
			t.Fatalf("the first call returned %v", err)
		}
		if _, err := c.Me(t.Context()); !errors.Is(err, client.ErrNoSession) {
			t.Fatalf("the next call returned %v", err)
		}
		if len(told) != 1 || told[0] != (client.Tokens{}) || k.count() != 1 {
			t.Fatalf("told of %v, asked %d times", told, k.count())
		}
	})
}

func TestALateRenewalDoesNotReplaceALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		k, tokens := s.begin(time.Minute)
		released := make(chan struct{})
		k.fails(func(w http.ResponseWriter, r *http.Request) {
			<-released
			answer(200, `{"access_token":"token-of-old","refresh_token":"refresh-of-old","expires_in":900}`)(w, r)
		})
		c := s.newClient(tokens)
		go func() { _ = c.Refresh(t.Context()) }()
		synctest.Wait()
		c.SetTokens(client.Tokens{Access: "token-of-the-login"})
		close(released)
		synctest.Wait()
		if got := c.Tokens().Access; got != "token-of-the-login" {
			t.Fatalf("the token is %q", got)
		}
	})
}

func TestABareTokenServesUntilItIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		_, tokens := s.begin(time.Minute)
		c := s.newClient(client.Tokens{Access: tokens.Access})
		if _, err := c.Me(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := c.Me(t.Context()); code(err) != "token_refused" {
			t.Fatalf("got %v", err)
		}
	})
}

func TestLoginAndLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		body := `{"access_token":"token-9","refresh_token":"refresh-9","expires_in":900,"session_id":"s9","user":{"id":"me","email":"me@example.com"}}`
		s.on("POST /v1/auth/login", answer(200, body))
		s.on("POST /v1/auth/logout", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer token-9" {
				t.Errorf("logged out with %q", r.Header.Get("Authorization"))
			}
			w.WriteHeader(http.StatusNoContent)
		})
		var told []client.Tokens
		c, err := client.New(client.Options{URL: "http://confab.test", HTTP: s.client, OnTokens: func(t client.Tokens) { told = append(told, t) }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Me(t.Context()); !errors.Is(err, client.ErrNoSession) {
			t.Fatalf("before the login: %v", err)
		}
		me, err := c.Login(t.Context(), "me@example.com", "correct horse")
		if err != nil || me.Email != "me@example.com" {
			t.Fatalf("got %+v, %v", me, err)
		}
		if err := c.Logout(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(told) != 2 || told[0].Access != "token-9" || told[1] != (client.Tokens{}) || c.Tokens() != (client.Tokens{}) {
			t.Fatalf("told of %+v", told)
		}
	})
}

func TestSocketRenewsItsTokenInBand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		_, tokens := s.begin(15 * time.Minute)
		c := s.newClient(tokens)
		r := run(t, c, nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(0)
		ws.ping()
		for n := 2; n <= 4; n++ {
			_ = ws.ws.SetReadDeadline(time.Time{})
			var cmd said
			if err := ws.ws.ReadJSON(&cmd); err != nil || cmd.Type != "auth" || cmd.Token != fmt.Sprint("token-", n) {
				t.Fatalf("%+v, %v came", cmd, err)
			}
		}
		if got := len(all[client.Connection](r)); got != 2 {
			t.Fatalf("%d changes of the connection", got)
		}
		synctest.Wait() // the writer has nothing to do
		c.SetTokens(client.Tokens{Access: "token-of-elsewhere"})
		start := time.Now()
		if cmd := ws.want("auth"); cmd.Token != "token-of-elsewhere" || time.Since(start) > 0 {
			t.Fatalf("%+v came after %v", cmd, time.Since(start))
		}
	})
}

func TestSocketsWhoseTokenIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		codes []int // the closes of one connection after the other
		bare  bool
		over  bool // the session is
		code  string
	}{
		"an expired one is renewed":                  {[]int{4401}, false, false, ""},
		"a missing one is renewed":                   {[]int{4402}, false, false, ""},
		"one that is refused at the door is renewed": {[]int{4503}, false, false, ""},
		"a new one that is refused ends Run":         {[]int{4503, 4503}, false, false, "token_refused"},
		"expired ones are renewed again and again":   {[]int{4401, 4401, 4401}, false, false, ""},
		"a bare one ends Run where it is expired":    {[]int{4401}, true, false, "token_expired"},
		"a bare one ends Run where it is refused":    {[]int{4503}, true, false, "token_refused"},
		"an ended session ends Run":                  {[]int{4401}, false, true, "refresh_token_refused"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				k, tokens := s.begin(15 * time.Minute)
				if test.over {
					k.fails(answer(401, `{"code":"refresh_token_refused"}`))
				}
				if test.bare {
					tokens = client.Tokens{Access: tokens.Access}
				}
				r := run(t, s.newClient(tokens), nil)
				reasons := map[int]string{4401: "token_expired", 4402: "no_token", 4503: "token_refused"}
				for i, closing := range test.codes {
					ws, _ := s.accept()
					if closing == 4503 {
						ws.fail(ws.want("auth"), "token_refused", 0)
					} else if token := ws.enter().Token; token != fmt.Sprint("token-", i+1) {
						t.Fatalf("entered with %q", token)
					}
					ws.close(closing, reasons[closing])
				}
				if test.code != "" {
					if err := r.end(); code(err) != test.code {
						t.Fatalf("Run returned %v", err)
					}
					return
				}
				ws, _ := s.accept()
				if token := ws.enter().Token; token != fmt.Sprint("token-", len(test.codes)+1) {
					t.Fatalf("entered with %q", token)
				}
			})
		})
	}
}

func TestSocketWithoutASessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(client.Tokens{}), nil)
		if err := r.end(); !errors.Is(err, client.ErrNoSession) {
			t.Fatalf("Run returned %v", err)
		}
	})
}
