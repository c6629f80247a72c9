package auth_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"sync"
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

var errAway = errors.New("the store is away")

func (deafRepository) EndSession(context.Context, string, string, chat.Time) (auth.Session, error) {
	return auth.Session{}, errAway
}

func (deafRepository) EndSessions(context.Context, string, []string, chat.Time) ([]auth.Session, error) {
	return nil, errAway
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

// frailRepository ends one of many sessions and fails, at first.
type frailRepository struct {
	auth.Repository
	failed bool
}

func (r *frailRepository) EndSessions(ctx context.Context, userID string, ids []string, at chat.Time) ([]auth.Session, error) {
	if r.failed {
		return r.Repository.EndSessions(ctx, userID, ids, at)
	}
	r.failed = true
	_, err := r.Repository.EndSessions(ctx, userID, ids[:1], at)
	return nil, errors.Join(err, errAway)
}

func TestALogoutOfAllThatFailedGoesOnWhenItComesAgain(t *testing.T) {
	w := newWorld(t, &frailRepository{Repository: openSQLite(t)(t)}, nil)
	w.run()
	first := w.register("ann@example.com")
	w.storeSessions(first.SessionID, 3)
	last := decode[auth.Tokens](w.login("ann@example.com", password).want(200, ""))
	w.call("POST", "/v1/auth/logout-all", bearer(last), nil).want(500, "internal")
	if w.session(last.SessionID).EndedAt != (chat.Time{}) {
		t.Error("the acting session ended before all others")
	}
	w.refresh(first.RefreshToken).want(200, "")
	w.call("POST", "/v1/auth/logout-all", bearer(last), nil).want(204, "")
	w.refused(last)
	w.refused(first)
	if live, err := w.repo.LiveSessions(t.Context(), first.User.ID, "", chat.Now(), 10); err != nil || len(live) != 0 {
		t.Errorf("%d sessions live, %v", len(live), err)
	}
}

// renamingRepository runs before in front of each change of names.
type renamingRepository struct {
	auth.Repository
	before func()
}

func (r renamingRepository) SetNames(ctx context.Context, u, old auth.User) error {
	r.before()
	return r.Repository.SetNames(ctx, u, old)
}

func TestTwoEditsAtOnceKeepBothNames(t *testing.T) {
	handle := openSQLite(t)
	other := newWorld(t, handle(t), nil)
	other.run()
	ann := other.register("ann@example.com")
	var once sync.Once
	w := newWorld(t, renamingRepository{Repository: handle(t), before: func() {
		once.Do(func() { other.call("PATCH", "/v1/users/me", bearer(ann), object{"last_name": "Ash"}).want(200, "") })
	}}, nil)
	w.run()
	got := decode[auth.ProfileResponse](w.call("PATCH", "/v1/users/me", bearer(ann), object{"first_name": "Anna"}).want(200, "")).User
	if got.FirstName != "Anna" || got.LastName != "Ash" {
		t.Errorf("the answer is %+v", got)
	}
	if stored := decode[auth.ProfileResponse](other.call("GET", "/v1/users/me", bearer(ann), nil)).User; stored != got {
		t.Errorf("stored is %+v, the answer was %+v", stored, got)
	}
	if page := decode[auth.UserPage](w.call("GET", "/v1/users?prefix=anna+ash", bearer(ann), nil).want(200, "")); len(page.Items) != 1 {
		t.Errorf("found by her new name: %+v", page)
	}
}

func TestAnEditThatOthersAreAlwaysInTheWayOfIsRefused(t *testing.T) {
	handle := openSQLite(t)
	repo := handle(t)
	var ann auth.Tokens
	edits := 0
	w := newWorld(t, renamingRepository{Repository: handle(t), before: func() {
		u, err := repo.User(t.Context(), ann.User.ID)
		next := u
		edits++
		next.LastName = fmt.Sprint("Arbor ", edits)
		if err := errors.Join(err, repo.SetNames(t.Context(), next, u)); err != nil {
			t.Error(err)
		}
	}}, nil)
	w.run()
	ann = w.register("ann@example.com")
	w.call("PATCH", "/v1/users/me", bearer(ann), object{"first_name": "Anna"}).want(503, "busy")
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
