package auth_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/chat"
)

// hookRepository runs before in front of each session that is stored.
type hookRepository struct {
	auth.Repository
	before func()
}

func (r hookRepository) CreateSession(ctx context.Context, s auth.Session) error {
	if r.before != nil {
		r.before()
	}
	return r.Repository.CreateSession(ctx, s)
}

func TestALoginThatAPasswordChangeOvertakesGetsNoSession(t *testing.T) {
	handle := openSQLite(t)
	other := newWorld(t, handle(t), nil)
	other.run()
	ann := other.register("ann@example.com")
	w := newWorld(t, hookRepository{Repository: handle(t), before: func() {
		other.call("POST", "/v1/auth/password", bearer(ann), object{"current_password": password, "new_password": newPassword}).want(204, "")
	}}, nil)
	w.login("ann@example.com", password).want(401, "credentials_refused")
	live, err := w.repo.LiveSessions(t.Context(), ann.User.ID, "", chat.Now(), 10)
	if err != nil || len(live) != 1 || live[0].ID != ann.SessionID {
		t.Errorf("live sessions: %+v, %v", live, err)
	}
}

// deafRepository does not end sessions.
type deafRepository struct{ auth.Repository }

func (deafRepository) EndSession(context.Context, string, string, chat.Time) (auth.Session, error) {
	return auth.Session{}, errors.New("the store is away")
}

func TestAPasswordStaysWhereTheSessionsOfTheOldOneCannotEnd(t *testing.T) {
	w := newWorld(t, deafRepository{openSQLite(t)(t)}, nil)
	w.run()
	first := w.register("ann@example.com")
	second := decode[auth.Tokens](w.login("ann@example.com", password).want(200, ""))
	w.call("POST", "/v1/auth/password", bearer(first), object{"current_password": password, "new_password": newPassword}).want(500, "internal")
	w.login("ann@example.com", newPassword).want(401, "credentials_refused")
	w.refresh(second.RefreshToken).want(200, "")
	w.refresh(first.RefreshToken).want(200, "")
	w.call("POST", "/v1/auth/logout", bearer(first), nil).want(500, "internal")
}

func TestAdminsAreThoseOfTheFlagWhoExistAtTheStart(t *testing.T) {
	handle := openSQLite(t)
	before := newWorld(t, handle(t), nil)
	before.run()
	ann, bob := before.register("ann@example.com"), before.register("bob@example.com")
	appoint := func(emails ...string) *world {
		return newWorld(t, handle(t), func(c *auth.Config) { c.AdminEmails = emails })
	}
	w := appoint("ANN@example.com", "carl@example.com")
	wantRole := func(email, role string) {
		t.Helper()
		if got := decode[auth.Tokens](w.login(email, password).want(200, "")).User.Role; got != role {
			t.Errorf("%s is %s, want %s", email, got, role)
		}
	}
	wantRole("ann@example.com", "Admin")
	wantRole("bob@example.com", "Member")
	w.register("carl@example.com")
	wantRole("carl@example.com", "Member")
	w = appoint("bob@example.com")
	wantRole("ann@example.com", "Member")
	wantRole("bob@example.com", "Admin")
	w.refresh(ann.RefreshToken).want(401, "refresh_token_refused")
	if got := decode[auth.Tokens](w.refresh(bob.RefreshToken).want(200, "")).User.Role; got != "Admin" {
		t.Errorf("after a refresh bob is %s", got)
	}
}

func TestNewRefusesWrongFlags(t *testing.T) {
	for name, configure := range map[string]func(*auth.Config){
		"a token that lives for no time":   func(c *auth.Config) { c.TutorialTokenTTL = 0 },
		"an admin without an address":      func(c *auth.Config) { c.AdminEmails = []string{"ann"} },
		"a rate below zero":                func(c *auth.Config) { c.LoginRate = -1 },
		"a mail server without a port":     func(c *auth.Config) { c.SMTP.Addr, c.SMTP.From = "mail.example.com", "confab@example.com" },
		"a mail server without a sender":   func(c *auth.Config) { c.SMTP.Addr = "mail.example.com:587" },
		"a page for resets that is no URL": func(c *auth.Config) { c.ResetURL = "reset" },
	} {
		t.Run(name, func(t *testing.T) {
			var cfg auth.Config
			cfg.RegisterFlags(flag.NewFlagSet("auth-svc", flag.ContinueOnError))
			configure(&cfg)
			repo, err := auth.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "auth.db"))
			repo = closing(t, repo, err)
			env := newEnv(io.Discard, prometheus.NewRegistry())
			if _, err := auth.New(t.Context(), cfg, auth.Deps{Env: env, Repository: repo}); err == nil {
				t.Error("it was taken")
			}
		})
	}
}
