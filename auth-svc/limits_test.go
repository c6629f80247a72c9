package auth_test

import (
	"testing"
	"testing/synctest"
	"time"

	auth "github.com/confab-chat/confab/auth-svc"
)

func TestStrangersAreLimitedByAddress(t *testing.T) {
	tests := []struct {
		name, path string
		body       object
		allowed    int
	}{
		{"register", "/v1/auth/register", object{}, 3},
		{"the tutorial's register, from the same budget", "/api/auth/register", object{}, 0},
		{"login", "/v1/auth/login", object{}, 2},
		{"the tutorial's login, from the same budget", "/api/auth/login", object{}, 0},
		{"refresh", "/v1/auth/refresh", object{"refresh_token": "x"}, 300},
		{"forgot", "/v1/auth/password/forgot", object{}, 20},
		{"the tutorial's forgot, from the same budget", "/api/auth/forgot-password", object{}, 0},
		{"reset", "/v1/auth/password/reset", object{}, 20},
		{"the tutorial's reset, from the same budget", "/api/auth/reset-password/x", object{}, 0},
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, openSQLite(t)(t), func(c *auth.Config) { c.RegisterRate, c.LoginRate = 3, 2 })
		for _, tt := range tests {
			for i := range tt.allowed {
				if a := w.call("POST", tt.path, "", tt.body); a.status == 429 {
					t.Fatalf("%s: request %d is answered %d", tt.name, i+1, a.status)
				}
			}
			if a := w.call("POST", tt.path, "", tt.body); a.status != 429 || a.header.Get("Retry-After") == "" {
				t.Errorf("%s: a request too many is answered %d %v", tt.name, a.status, a.header)
			}
		}
		time.Sleep(time.Hour)
		w.call("POST", "/v1/auth/register", "", object{}).want(400, "")
	})
}

func TestLoginsAreLimitedByAccountFromWhateverAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, openSQLite(t)(t), nil)
		w.register("ann@example.com")
		for _, email := range []string{"ann@example.com", "nobody@example.com"} {
			for range 20 {
				w.login(email, "wrong password").want(401, "")
			}
			a := w.login(" "+email, password).want(429, "rate_limited")
			if a.header.Get("Retry-After") == "" {
				t.Error("there is no Retry-After")
			}
			w.call("POST", "/api/auth/login", "", object{"email": email, "password": password}).want(429, "")
		}
		w.login("other@example.com", password).want(401, "")
		time.Sleep(15 * time.Minute)
		w.login("ann@example.com", password).want(200, "")
	})
}

func TestMailsAreLimitedByAccount(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	for range 5 {
		w.call("POST", "/v1/auth/password/forgot", "", object{"email": "ann@example.com"}).want(204, "")
	}
	w.call("POST", "/v1/auth/password/forgot", "", object{"email": "ann@example.com"}).want(429, "rate_limited")
	w.call("POST", "/v1/auth/password/forgot", "", object{"email": "bob@example.com"}).want(204, "")
}

func TestGuessesOfTheCurrentPasswordAreLimited(t *testing.T) {
	w := start(t, nil)
	ann := w.register("ann@example.com")
	body := object{"current_password": "wrong password", "new_password": newPassword}
	for range 10 {
		w.call("POST", "/v1/auth/password", bearer(ann), body).want(403, "password_refused")
	}
	w.call("POST", "/v1/auth/password", bearer(ann), body).want(429, "rate_limited")
}
