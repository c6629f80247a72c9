package auth_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	auth "github.com/confab-chat/confab/auth-svc"
)

const newPassword = "a new battery staple"

func TestAChangedPasswordEndsAllOtherSessions(t *testing.T) {
	w := start(t, nil)
	first := w.register("ann@example.com")
	second := decode[auth.Tokens](w.login("ann@example.com", password).want(200, ""))
	link := w.forgot("ann@example.com")
	w.call("POST", "/v1/auth/password", bearer(first), object{"current_password": "wrong password", "new_password": newPassword}).want(403, "password_refused")
	w.call("GET", "/v1/users/me", bearer(second), nil).want(200, "")
	w.call("POST", "/v1/auth/password", bearer(first), object{"current_password": password, "new_password": newPassword}).want(204, "")
	w.refused(second)
	w.refresh(second.RefreshToken).want(401, "refresh_token_refused")
	w.call("GET", "/v1/users/me", bearer(first), nil).want(200, "")
	w.refresh(first.RefreshToken).want(200, "")
	w.login("ann@example.com", password).want(401, "credentials_refused")
	w.login("ann@example.com", newPassword).want(200, "")
	w.call("POST", "/v1/auth/password/reset", "", object{"token": link, "password": password}).want(422, "reset_token_refused")
}

func TestAResetPasswordEndsAllSessions(t *testing.T) {
	w := start(t, nil)
	ann := w.register("ann@example.com")
	link := w.forgot(" ANN@example.com")
	w.call("POST", "/v1/auth/password/reset", "", object{"token": link, "password": "short"}).want(400, "invalid_field")
	w.call("POST", "/v1/auth/password/reset", "", object{"token": link, "password": newPassword}).want(204, "")
	w.refused(ann)
	w.refresh(ann.RefreshToken).want(401, "refresh_token_refused")
	w.login("ann@example.com", password).want(401, "")
	w.login("ann@example.com", newPassword).want(200, "")
	w.call("POST", "/v1/auth/password/reset", "", object{"token": link, "password": password}).want(422, "reset_token_refused")
}

func TestTheNewestResetLinkAloneIsGood(t *testing.T) {
	w := start(t, nil)
	w.register("ann@example.com")
	first, second := w.forgot("ann@example.com"), w.forgot("ann@example.com")
	w.call("POST", "/v1/auth/password/reset", "", object{"token": first, "password": newPassword}).want(422, "reset_token_refused")
	w.call("POST", "/v1/auth/password/reset", "", object{"token": second, "password": newPassword}).want(204, "")
}

func TestAResetLinkIsGoodForAnHour(t *testing.T) {
	for name, tt := range map[string]struct {
		wait   time.Duration
		status int
	}{
		"within the hour": {time.Hour - time.Second, 204},
		"after the hour":  {time.Hour, 422},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := start(t, nil)
				w.register("ann@example.com")
				w.call("POST", "/v1/auth/password/forgot", "", object{"email": "ann@example.com"}).want(204, "")
				synctest.Wait()
				link := links.FindStringSubmatch(w.mails())
				if link == nil {
					t.Fatalf("no link in %q", w.mails())
				}
				time.Sleep(tt.wait)
				w.call("POST", "/v1/auth/password/reset", "", object{"token": link[1], "password": newPassword}).want(tt.status, "")
			})
		})
	}
}

func TestOneOfManyTakesAResetLink(t *testing.T) {
	w := start(t, nil)
	w.register("ann@example.com")
	link := w.forgot("ann@example.com")
	w.together("/v1/auth/password/reset", object{"token": link, "password": newPassword}, 204, 422)
}

// stuckRepository never finds out whether an email has a user.
type stuckRepository struct {
	auth.Repository
	asked chan string
}

func (r stuckRepository) UserByEmail(ctx context.Context, email string) (auth.User, error) {
	r.asked <- email
	<-ctx.Done()
	return auth.User{}, ctx.Err()
}

func TestForgotAnswersBeforeItLooksForTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		repo := stuckRepository{Repository: openSQLite(t)(t), asked: make(chan string, 1)}
		w := newWorld(t, repo, nil)
		w.run()
		w.call("POST", "/v1/auth/password/forgot", "", object{"email": "ann@example.com"}).want(204, "")
		if email := <-repo.asked; email != "ann@example.com" {
			t.Errorf("looked for %s", email)
		}
		time.Sleep(time.Minute) // the look-up is given up, so that the service can stop
	})
}

func TestForgotForNobodyMailsNobody(t *testing.T) {
	w := start(t, nil)
	w.register("ann@example.com")
	w.call("POST", "/v1/auth/password/forgot", "", object{"email": "nobody@example.com"}).want(204, "")
	w.forgot("ann@example.com") // the mails go out one after another
	if strings.Contains(w.mails(), "nobody@") || strings.Count(w.mails(), "Subject: ") != 1 {
		t.Errorf("mails: %s", w.mails())
	}
}

func TestForgotWaitsInABoundedQueueThatIsEmptiedAtTheEnd(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	w.register("ann@example.com")
	for range 255 {
		if err := w.app.Forgot(t.Context(), "nobody@example.com"); err != nil {
			t.Fatal(err)
		}
	}
	w.call("POST", "/v1/auth/password/forgot", "", object{"email": "ann@example.com"}).want(204, "")
	if err := w.app.Forgot(t.Context(), "nobody@example.com"); err == nil || !strings.Contains(err.Error(), "busy") {
		t.Errorf("got %v of a full queue", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := w.app.Run(stopped); err != nil {
		t.Fatal(err)
	}
	if !links.MatchString(w.mails()) {
		t.Error("the mail that waited was not sent")
	}
}

func TestTheMailFileIsItsOwnersAloneAndNamesTheConfiguredPage(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), func(c *auth.Config) {
		c.ResetURL = "https://chat.example.com/reset?token="
		if err := os.WriteFile(c.MailFile, []byte("what was there\r\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	})
	w.run()
	w.register("ann@example.com")
	w.call("POST", "/v1/auth/password/forgot", "", object{"email": "ann@example.com"}).want(204, "")
	w.eventually("a mail", func() bool { return strings.Contains(w.mails(), "\r\nhttps://chat.example.com/reset?token=") })
	w.eventually("the mode", func() bool {
		info, err := os.Stat(w.config.MailFile)
		return err == nil && info.Mode().Perm() == 0o600
	})
	for _, part := range []string{"what was there\r\n", "\r\nTo: ann@example.com\r\n"} {
		if !strings.Contains(w.mails(), part) {
			t.Errorf("%q is not in %s", part, w.mails())
		}
	}
}

func TestNothingPrivateIsLogged(t *testing.T) {
	w := start(t, nil)
	ann := w.register("ann@example.com")
	link := w.forgot("ann@example.com")
	w.login("ann@example.com", "wrong password").want(401, "")
	w.call("POST", "/v1/auth/password/reset", "", object{"token": link, "password": newPassword}).want(204, "")
	w.login("ann@example.com", newPassword).want(200, "")
	w.refresh(ann.RefreshToken).want(401, "")
	for _, secret := range []string{"ann@", password, newPassword, link, ann.RefreshToken, ann.AccessToken} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, w.log)
		}
	}
}
