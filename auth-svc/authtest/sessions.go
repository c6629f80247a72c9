package authtest

import (
	"reflect"
	"slices"
	"strings"
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
		got, err := open(t).EndedSessions(t.Context(), tt.since, "", tt.now, 10)
		must(t, err)
		if !slices.Equal(sessionIDs(got), tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, sessionIDs(got), tt.want)
		}
	}
}

func endsTogether(t *testing.T, open Open) {
	r := open(t)
	at := chat.Now()
	later := chat.TimeOf(at.Add(time.Second))
	one, two, ended, hers := storeSession(t, r, "ann"), storeSession(t, r, "ann"), storeSession(t, r, "ann"), storeSession(t, r, "bob")
	other := storeSession(t, r, "ann")
	ended, err := r.EndSession(t.Context(), "ann", ended.ID, at)
	must(t, err)
	all := []string{one.ID, two.ID, ended.ID, hers.ID, "none"}
	one.EndedAt, two.EndedAt = later, later
	for name, tt := range map[string]struct {
		ids  []string
		want []auth.Session
	}{
		"hers that live":                     {all, []auth.Session{one, two}},
		"the same again, at the same moment": {all, []auth.Session{one, two}},
		"none of hers":                       {[]string{hers.ID}, []auth.Session{}},
		"none":                               {[]string{}, []auth.Session{}},
	} {
		got, err := open(t).EndSessions(t.Context(), "ann", tt.ids, later)
		must(t, err)
		slices.SortFunc(got, func(a, b auth.Session) int { return strings.Compare(a.ID, b.ID) })
		if len(got) != len(tt.want) || len(got) > 0 && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got  %+v\nwant %+v", name, got, tt.want)
		}
	}
	got, err := r.EndSessions(t.Context(), "ann", all, chat.TimeOf(later.Add(time.Second)))
	if err != nil || len(got) != 0 {
		t.Errorf("they end a second time: %+v, %v", got, err)
	}
	for _, s := range []auth.Session{one, two, ended, hers, other} {
		wantSession(t, r, s)
	}
}

func pagesOfEnds(t *testing.T, open Open) {
	r := open(t)
	start := chat.Now()
	ended := make([]auth.Session, 6) // from the greatest id down, so in the order of neither their ends nor their ids
	for i := range ended {
		ended[i] = newSession("ann")
	}
	slices.Reverse(ended)
	for _, s := range ended {
		must(t, r.CreateSession(t.Context(), s))
	}
	var all []string // in the order of their ends
	for _, end := range []struct {
		after time.Duration
		of    int
	}{{0, 0}, {time.Millisecond, 4}, {time.Millisecond, 3}, {time.Millisecond, 2}, {2 * time.Millisecond, 1}, {time.Second, 5}} {
		s := ended[end.of]
		_, err := r.EndSession(t.Context(), "ann", s.ID, chat.TimeOf(start.Add(end.after)))
		must(t, err)
		all = append(all, s.ID)
	}
	storeSession(t, r, "ann")
	for limit := 1; limit <= len(all)+1; limit++ {
		var got []string
		var since chat.Time
		for after := ""; ; {
			page, err := r.EndedSessions(t.Context(), since, after, start, limit)
			must(t, err)
			got = append(got, sessionIDs(page)...)
			if len(page) < limit || len(got) > len(all) {
				break
			}
			since, after = page[limit-1].EndedAt, page[limit-1].ID
		}
		if !slices.Equal(got, all) {
			t.Errorf("in pages of %d: got %v, want %v", limit, got, all)
		}
	}
}

func networks(t *testing.T, open Open) {
	r := open(t)
	now := chat.Now()
	soon, later := chat.TimeOf(now.Add(time.Minute)), chat.TimeOf(now.Add(time.Hour))
	knows := func(key string, at chat.Time, want bool) {
		t.Helper()
		if known, err := open(t).KnowsNetwork(t.Context(), key, at); err != nil || known != want {
			t.Errorf("%s: known is %v, %v", key, known, err)
		}
	}
	knows("key", now, false)
	must(t, r.RememberNetwork(t.Context(), "key", soon))
	knows("key", now, true)
	knows("other", now, false)
	knows("key", soon, false)
	must(t, r.RememberNetwork(t.Context(), "key", later))
	knows("key", soon, true)
	must(t, r.RememberNetwork(t.Context(), "other", soon))
	must(t, r.Purge(t.Context(), chat.TimeOf(soon.Add(time.Second))))
	knows("key", now, true)
	knows("other", now, false)
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
