package auth_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/chat"
)

// inBubble runs a test on a service that does not run, in time that passes when it sleeps.
func inBubble(t *testing.T, test func(t *testing.T, w *world, ann auth.Tokens)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, openSQLite(t)(t), nil)
		test(t, w, w.register("ann@example.com"))
	})
}

// rotate refreshes and returns the next refresh token.
func (w *world) rotate(token string) string {
	w.t.Helper()
	return decode[auth.Tokens](w.refresh(token).want(200, "")).RefreshToken
}

func TestRefreshRotatesTheToken(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, ann auth.Tokens) {
		time.Sleep(time.Second)
		next := decode[auth.Tokens](w.refresh(ann.RefreshToken).want(200, ""))
		if next.RefreshToken == ann.RefreshToken || next.AccessToken == ann.AccessToken {
			t.Error("the tokens are the same")
		}
		if next.SessionID != ann.SessionID || next.User != ann.User || next.ExpiresIn != 900 {
			t.Errorf("got %+v", next)
		}
		w.rotate(next.RefreshToken)
	})
}

func TestARotatedTokenGetsTheCurrentOneAsLongAsThatIsNotUsed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, ann auth.Tokens) {
		current := w.rotate(ann.RefreshToken)
		for range 3 {
			time.Sleep(24 * time.Hour)
			if again := w.rotate(ann.RefreshToken); again != current {
				t.Fatal("the token that was never used was replaced")
			}
		}
		w.rotate(current)
	})
}

func TestARotatedTokenIsGoodUntilAMinuteAfterItsSuccessorsFirstUse(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, ann auth.Tokens) {
		second := w.rotate(ann.RefreshToken)
		time.Sleep(time.Hour)
		third := w.rotate(second)
		time.Sleep(time.Minute)
		if again := w.rotate(ann.RefreshToken); again != third {
			t.Error("within the minute it does not get the current token")
		}
		time.Sleep(time.Millisecond)
		w.refresh(ann.RefreshToken).want(401, "refresh_token_refused")
		for name, token := range map[string]string{"the successor": second, "the current one": third} {
			if a := w.refresh(token); a.status != 401 {
				t.Errorf("after a reuse, %s is answered %d", name, a.status)
			}
		}
		if w.metric("confab_sessions_ended_total") != 1 {
			t.Error("the end of the session is not counted")
		}
	})
}

func TestATokenOfLongAgoEndsTheSession(t *testing.T) {
	inBubble(t, func(_ *testing.T, w *world, ann auth.Tokens) {
		current := ann.RefreshToken
		for range 4 {
			time.Sleep(time.Hour)
			current = w.rotate(current)
		}
		w.refresh(ann.RefreshToken).want(401, "refresh_token_refused")
		w.refresh(current).want(401, "refresh_token_refused")
	})
}

func TestEachRotatedTokenHasItsOwnMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, ann auth.Tokens) {
		tokens := []string{ann.RefreshToken}
		for range 4 {
			tokens = append(tokens, w.rotate(tokens[len(tokens)-1]))
			time.Sleep(25 * time.Second)
		}
		// Now, at 100 s, the successors of the tokens were first used at 25 s, 50 s, 75 s, and never.
		for i, token := range tokens[1:] {
			want := tokens[4]
			if i == 3 {
				continue // the current one would be rotated
			}
			if got := w.rotate(token); got != want {
				t.Errorf("token %d does not get the current one", i+1)
			}
		}
		w.refresh(tokens[0]).want(401, "refresh_token_refused")
	})
}

func TestManyRefreshesAtOnceGetOneToken(t *testing.T) {
	for name, open := range map[string]func(*testing.T) func(*testing.T) auth.Repository{
		"SQLite":  func(t *testing.T) func(*testing.T) auth.Repository { return openSQLite(t) },
		"MongoDB": func(t *testing.T) func(*testing.T) auth.Repository { return openMongo(t) },
	} {
		t.Run(name, func(t *testing.T) {
			handle := open(t)
			replicas := []*world{newWorld(t, handle(t), nil), newWorld(t, handle(t), nil)}
			ann := replicas[0].register("ann@example.com")
			tokens := make([]string, 20)
			var running sync.WaitGroup
			for i := range tokens {
				running.Go(func() {
					a := replicas[i%2].refresh(ann.RefreshToken)
					if tokens[i] = a.body; a.status == 200 {
						tokens[i] = decode[auth.Tokens](a).RefreshToken
					}
				})
			}
			running.Wait()
			for _, token := range tokens {
				if token != tokens[0] {
					t.Fatalf("got %s and %s", tokens[0], token)
				}
			}
			replicas[1].rotate(tokens[0])
		})
	}
}

func TestASessionThatIsNotRefreshedDiesAfterThirtyDays(t *testing.T) {
	inBubble(t, func(_ *testing.T, w *world, ann auth.Tokens) {
		time.Sleep(30*24*time.Hour - time.Second)
		current := w.rotate(ann.RefreshToken)
		time.Sleep(30 * 24 * time.Hour)
		w.refresh(current).want(401, "refresh_token_refused")
	})
}

func TestASessionDiesAfterNinetyDays(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, ann auth.Tokens) {
		current := ann.RefreshToken
		for range 9 {
			time.Sleep(10*24*time.Hour - time.Minute)
			current = w.rotate(current)
		}
		last := decode[auth.Tokens](w.refresh(current).want(200, ""))
		if last.ExpiresIn != 9*60 {
			t.Errorf("the last token lives for %d s, its session for 9 min", last.ExpiresIn)
		}
		time.Sleep(9 * time.Minute)
		w.refresh(last.RefreshToken).want(401, "refresh_token_refused")
	})
}

func TestTokensAreGoodAfterAnOlderStoreWasRestored(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, ann auth.Tokens) {
		backup, err := w.repo.Session(t.Context(), ann.SessionID)
		if err != nil {
			t.Fatal(err)
		}
		current := w.rotate(w.rotate(ann.RefreshToken))
		if err := w.repo.RefreshSession(t.Context(), backup, 3); err != nil {
			t.Fatal(err)
		}
		next := w.rotate(current)
		if again := w.rotate(current); again != next {
			t.Error("the rotated token does not get the current one")
		}
		w.rotate(next)
	})
}

func TestAForgedRefreshTokenIsRefusedAndEndsNothing(t *testing.T) {
	inBubble(t, func(_ *testing.T, w *world, ann auth.Tokens) {
		session, rest, _ := strings.Cut(ann.RefreshToken, ".")
		_, mac, _ := strings.Cut(rest, ".")
		for _, token := range []string{
			"nonsense", "..", session, session + ".1.", session + ".1", session + ".2." + mac, session + ".0." + mac, session + ".-1." + mac,
			"other.1." + mac, ann.RefreshToken + "x", ann.RefreshToken[1:], session + ".99999999999999999999." + mac, session + ".1." + mac + "==",
		} {
			w.refresh(token).want(401, "refresh_token_refused")
		}
		w.refresh("").want(400, "invalid_field")
		w.rotate(ann.RefreshToken)
	})
}

func TestATutorialSessionCannotBeRefreshed(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, ann auth.Tokens) {
		w.call("POST", "/api/auth/login", "", object{"email": "ann@example.com", "password": password}).want(200, "")
		live, err := w.repo.LiveSessions(t.Context(), ann.User.ID, "", chat.Now(), 10)
		if err != nil || len(live) != 2 {
			t.Fatalf("%+v, %v", live, err)
		}
		s := live[0]
		if s.Generation != 0 || s.ExpiresAt.Sub(s.CreatedAt.Time) != 7*24*time.Hour || s.TokensUntil.Before(s.ExpiresAt.Time) {
			t.Errorf("the tutorial's session is %+v", s)
		}
	})
}
