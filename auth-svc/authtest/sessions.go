package authtest

import (
	"reflect"
	"slices"
	"testing"
	"time"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/id"
)

func newSession(userID string) auth.Session {
	now := time.Now()
	return auth.Session{
		ID: id.New(), UserID: userID, Label: "Firefox", CreatedAt: chat.TimeOf(now), LastUsedAt: chat.TimeOf(now),
		ExpiresAt: chat.TimeOf(now.Add(24 * time.Hour)), TokensUntil: chat.TimeOf(now.Add(time.Hour)),
		Generation: 1, Uses: []chat.Time{}, PasswordVersion: 1,
	}
}

func storeSession(t *testing.T, r auth.Repository, userID string) auth.Session {
	t.Helper()
	s := newSession(userID)
	must(t, r.CreateSession(t.Context(), s))
	return s
}

func wantSession(t *testing.T, r auth.Repository, s auth.Session) {
	t.Helper()
	if got, err := r.Session(t.Context(), s.ID); err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, s)
	}
}

func sessionIDs(sessions []auth.Session) []string {
	return each(sessions, func(s auth.Session) string { return s.ID })
}

func sessions(t *testing.T, open Open) {
	r := open(t)
	var mine []string
	for range 5 {
		mine = append(mine, storeSession(t, r, "ann").ID)
	}
	storeSession(t, r, "bob")
	slices.Reverse(mine)
	expired := newSession("ann")
	expired.ExpiresAt = chat.TimeOf(time.Now().Add(-time.Second))
	must(t, r.CreateSession(t.Context(), expired))
	_, err := r.EndSession(t.Context(), "ann", mine[2], chat.Now())
	must(t, err)
	live := []string{mine[0], mine[1], mine[3], mine[4]}
	tests := []struct {
		name, before string
		limit        int
		want         []string
	}{
		{"all", "", 10, live},
		{"a page", "", 2, live[:2]},
		{"the page behind it", live[1], 2, live[2:]},
		{"none behind the last", live[3], 2, []string{}},
	}
	for _, tt := range tests {
		got, err := r.LiveSessions(t.Context(), "ann", tt.before, chat.Now(), tt.limit)
		must(t, err)
		if !slices.Equal(sessionIDs(got), tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, sessionIDs(got), tt.want)
		}
	}
}

func refreshes(t *testing.T, open Open) {
	r := open(t)
	s := storeSession(t, r, "ann")
	wantSession(t, open(t), s)
	later := chat.TimeOf(time.Now().Add(time.Minute))
	s.Generation, s.Uses, s.LastUsedAt = 2, []chat.Time{later, s.CreatedAt}, later
	s.ExpiresAt, s.TokensUntil = chat.TimeOf(later.Add(time.Hour)), chat.TimeOf(later.Add(time.Minute))
	next := s
	next.UserID, next.Label, next.PasswordVersion = "bob", "Chrome", 9 // no refresh changes these
	must(t, r.RefreshSession(t.Context(), next, 1))
	wantSession(t, r, s)
	want(t, r.RefreshSession(t.Context(), next, 1), auth.ErrStale)
	must(t, r.RefreshSession(t.Context(), s, 2)) // of the current generation
	must(t, r.TrustSession(t.Context(), s.ID, 3))
	must(t, r.TrustSession(t.Context(), s.ID, 2)) // never lower
	s.PasswordVersion = 3
	wantSession(t, r, s)
	_, err := r.EndSession(t.Context(), "ann", s.ID, later)
	must(t, err)
	want(t, r.RefreshSession(t.Context(), s, 2), auth.ErrStale)
}

func ends(t *testing.T, open Open) {
	r := open(t)
	start := chat.Now()
	s := storeSession(t, r, "ann")
	storeSession(t, r, "ann")
	_, err := r.EndSession(t.Context(), "bob", s.ID, start)
	want(t, err, auth.ErrNoSession)
	s.EndedAt = chat.TimeOf(start.Add(time.Second))
	ended, err := r.EndSession(t.Context(), "ann", s.ID, s.EndedAt)
	must(t, err)
	if !reflect.DeepEqual(ended, s) {
		t.Errorf("got  %+v\nwant %+v", ended, s)
	}
	_, err = r.EndSession(t.Context(), "ann", s.ID, start)
	want(t, err, auth.ErrNoSession)
	wantSession(t, r, s)
	tests := []struct {
		name       string
		since, now chat.Time
		want       []string
	}{
		{"ever", chat.Time{}, start, []string{s.ID}},
		{"since that moment", s.EndedAt, start, []string{s.ID}},
		{"since the next", chat.TimeOf(s.EndedAt.Add(time.Millisecond)), start, []string{}},
		{"while the tokens live", chat.Time{}, chat.TimeOf(s.TokensUntil.Add(-time.Millisecond)), []string{s.ID}},
		{"when they are dead", chat.Time{}, s.TokensUntil, []string{}},
	}
	for _, tt := range tests {
		got, err := open(t).EndedSessions(t.Context(), tt.since, tt.now)
		must(t, err)
		if !slices.Equal(sessionIDs(got), tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, sessionIDs(got), tt.want)
		}
	}
}

func purge(t *testing.T, open Open) {
	r := open(t)
	now := time.Now()
	past, future := chat.TimeOf(now.Add(-time.Minute)), chat.TimeOf(now.Add(time.Minute))
	live, expired, ended, forgotten := newSession("ann"), newSession("ann"), newSession("ann"), newSession("ann")
	live.TokensUntil = past
	expired.ExpiresAt = past
	ended.TokensUntil = future
	forgotten.TokensUntil = past
	for _, s := range []auth.Session{live, expired, ended, forgotten} {
		must(t, r.CreateSession(t.Context(), s))
	}
	for _, s := range []auth.Session{ended, forgotten} {
		_, err := r.EndSession(t.Context(), "ann", s.ID, past)
		must(t, err)
	}
	must(t, r.SetReset(t.Context(), auth.Reset{UserID: "ann", TokenHash: "old", ExpiresAt: past}))
	must(t, r.SetReset(t.Context(), auth.Reset{UserID: "bob", TokenHash: "new", ExpiresAt: future}))
	must(t, r.Purge(t.Context(), chat.TimeOf(now)))
	for name, tt := range map[string]struct {
		id   string
		gone bool
	}{
		"a live session stays":                                  {live.ID, false},
		"an expired session goes":                               {expired.ID, true},
		"an ended session stays while its tokens live":          {ended.ID, false},
		"an ended session goes when its tokens are dead, early": {forgotten.ID, true},
	} {
		if _, err := r.Session(t.Context(), tt.id); (err != nil) != tt.gone {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := r.Reset(t.Context(), "old")
	want(t, err, auth.ErrNoReset)
	_, err = r.Reset(t.Context(), "new")
	must(t, err)
}
