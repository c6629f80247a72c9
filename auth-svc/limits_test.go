package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/chat"
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

// loginFrom logs in from an address.
func (w *world) loginFrom(address, email, password string) answer {
	w.t.Helper()
	return w.from(address, "POST", "/v1/auth/login", object{"email": email, "password": password})
}

// stranger is another network for each number.
func stranger(i int) string { return fmt.Sprintf("[2001:db8:0:%x::1]", i) }

// attack guesses a password from many addresses until strangers are refused.
func (w *world) attack(email string) {
	w.t.Helper()
	for i := range 21 {
		if w.loginFrom(stranger(100+i), email, "wrong password").status == 429 {
			return
		}
	}
	w.t.Fatal("21 guesses were let through")
}

func TestGuessesOfAPasswordAreCountedTogetherWhateverTheirAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, openSQLite(t)(t), nil)
		w.register("ann@example.com")
		for _, email := range []string{"ann@example.com", "nobody@example.com"} {
			for i := range 20 {
				w.loginFrom(stranger(i), email, "wrong password").want(401, "")
			}
			a := w.loginFrom(stranger(20), " "+email, password).want(429, "rate_limited")
			if a.header.Get("Retry-After") == "" {
				t.Error("there is no Retry-After")
			}
			w.from(stranger(21), "POST", "/api/auth/login", object{"email": email, "password": password}).want(429, "")
		}
		w.loginFrom(stranger(0), "other@example.com", password).want(401, "")
		time.Sleep(15 * time.Minute)
		w.loginFrom(stranger(22), "ann@example.com", password).want(200, "")
	})
}

func TestStrangersDoNotLockAUserOutOfNetworksThatSheHasProvedHerselfFrom(t *testing.T) {
	const home, work, phone, hotel = "192.0.2.10", "198.51.100.10", "[2001:db8:aaaa::1]", "203.0.113.10"
	synctest.Test(t, func(t *testing.T) {
		w := start(t, nil)
		w.from(home, "POST", "/v1/auth/register", object{"email": "ann@example.com", "password": password, "first_name": "Ann", "last_name": "Arbor"}).want(201, "")
		w.loginFrom(work, "ann@example.com", password).want(200, "")
		w.from(phone, "POST", "/api/auth/login", object{"email": "ann@example.com", "password": password}).want(200, "")
		w.attack("ann@example.com")
		for _, known := range []string{home, work, "[2001:db8:aaaa::2]"} {
			w.loginFrom(known, "ANN@example.com", password).want(200, "")
		}
		w.loginFrom(hotel, "ann@example.com", password).want(429, "rate_limited")
		w.loginFrom(home, "bob@example.com", password).want(401, "") // whose account does not exist

		w.from(hotel, "POST", "/v1/auth/password/forgot", object{"email": "ann@example.com"}).want(204, "")
		synctest.Wait()
		link := links.FindStringSubmatch(w.mails())[1]
		w.from(hotel, "POST", "/v1/auth/password/reset", object{"token": link, "password": newPassword}).want(204, "")
		w.loginFrom(hotel, "ann@example.com", newPassword).want(200, "")
	})
}

func TestANetworkIsForgottenNinetyDaysAfterItsLastLogin(t *testing.T) {
	inBubble(t, func(_ *testing.T, w *world, _ auth.Tokens) {
		w.loginFrom(stranger(1), "ann@example.com", password).want(200, "")
		time.Sleep(80 * 24 * time.Hour)
		w.attack("ann@example.com")
		w.login("ann@example.com", password).want(200, "")
		time.Sleep(10 * 24 * time.Hour)
		w.attack("ann@example.com")
		w.login("ann@example.com", password).want(200, "")
		w.loginFrom(stranger(1), "ann@example.com", password).want(429, "rate_limited")
	})
}

func TestGuessesFromANetworkThatTheAccountKnowsAreLimitedToo(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	w.register("ann@example.com")
	for range 20 {
		w.login("ann@example.com", "wrong password").want(401, "")
	}
	w.login("ann@example.com", password).want(429, "rate_limited")
	w.loginFrom(stranger(1), "ann@example.com", password).want(200, "")
}

func TestALoginThatFailsMakesNoNetworkKnown(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	w.register("ann@example.com")
	w.loginFrom(stranger(1), "ann@example.com", "wrong password").want(401, "")
	for i := range 19 {
		w.loginFrom(stranger(i+2), "ann@example.com", "wrong password").want(401, "")
	}
	w.loginFrom(stranger(1), "ann@example.com", password).want(429, "rate_limited")
}

// forgetfulRepository cannot store networks.
type forgetfulRepository struct{ auth.Repository }

func (forgetfulRepository) RememberNetwork(context.Context, string, chat.Time) error { return errAway }

func TestALoginGoesOnWhereItsNetworkCannotBeRemembered(t *testing.T) {
	w := newWorld(t, forgetfulRepository{openSQLite(t)(t)}, nil)
	w.register("ann@example.com")
	w.login("ann@example.com", password).want(200, "")
	if !strings.Contains(w.log.String(), "network of a login not remembered") {
		t.Error("it is not in the log")
	}
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
