package auth

import (
	"strings"
	"time"
	"unicode"

	"github.com/confab-chat/confab/pkg/chat"
)

// Times of a session.
const (
	accessTTL    = 15 * time.Minute
	idleLife     = 30 * 24 * time.Hour // of a session that is not refreshed
	absoluteLife = 90 * 24 * time.Hour // of any session
	reuseGrace   = time.Minute         // after its successor's first use, a refresh token is still taken for a late retry
	tokenSlack   = time.Minute         // a revocation outlives its tokens by this, for clocks that differ
)

const (
	maxSessions = 100 // live ones of a user
	maxUses     = 32  // first uses that a session remembers
	maxLabel    = 200 // bytes
)

// Session is what a login begins. All its tokens bear its id.
type Session struct {
	ID          string
	UserID      string
	Label       string
	CreatedAt   chat.Time
	LastUsedAt  chat.Time
	ExpiresAt   chat.Time
	TokensUntil chat.Time // its last access token dies before
	Generation  int64     // of its current refresh token; zero: it has none
	// Uses are the times at which the generations below the current one were first used, newest first: Uses[0] is that of
	// Generation - 1. They reach back to reuseGrace before the newest, and are at most maxUses.
	Uses            []chat.Time
	PasswordVersion int64     // of the password it was begun with
	EndedAt         chat.Time // zero while it is live
}

// newSession begins a session of the user.
func newSession(id string, u User, c Client, now chat.Time, tutorialTTL time.Duration) Session {
	s := Session{
		ID: id, UserID: u.ID, Label: labelOf(c.Label), CreatedAt: now, LastUsedAt: now, Generation: 1,
		ExpiresAt: chat.TimeOf(now.Add(idleLife)), PasswordVersion: u.PasswordVersion, Uses: []chat.Time{},
	}
	if c.Tutorial {
		s.Generation, s.ExpiresAt = 0, chat.TimeOf(now.Add(tutorialTTL))
	}
	return s
}

// live reports whether the session of the user can go on.
func (s Session) live(u User, now chat.Time) bool {
	return s.EndedAt.IsZero() && now.Before(s.ExpiresAt.Time) && s.PasswordVersion >= u.PasswordVersion
}

// refreshed returns the session after its refresh token of a generation was used at now; false where the token is reused.
//
// The current token is replaced. One that was replaced still leads to the current one, since its answer may have been lost
// or several tabs may share it, until reuseGrace after its successor was first used. A token from the future is good too: the
// store was restored from a backup.
func (s Session) refreshed(generation int64, now chat.Time) (Session, bool) {
	switch successor := s.Generation - 2 - generation; { // an index into Uses
	case generation > s.Generation:
		s.Generation, s.Uses = generation+1, []chat.Time{now}
	case generation == s.Generation:
		s.Generation, s.Uses = generation+1, append([]chat.Time{now}, recent(s.Uses, now)...)
	case successor >= int64(len(s.Uses)):
		return s, false
	case successor >= 0 && now.Sub(s.Uses[successor].Time) > reuseGrace:
		return s, false
	}
	s.LastUsedAt = now
	s.ExpiresAt = chat.TimeOf(now.Add(idleLife))
	if end := s.CreatedAt.Add(absoluteLife); end.Before(s.ExpiresAt.Time) {
		s.ExpiresAt = chat.TimeOf(end)
	}
	return s, true
}

// recent returns those of the uses that a later refresh may ask for.
func recent(uses []chat.Time, now chat.Time) []chat.Time {
	n := 0
	for n < min(len(uses), maxUses-1) && now.Sub(uses[n].Time) <= reuseGrace {
		n++
	}
	return uses[:n]
}

// tokenTTL returns how long an access token that is issued at now may live: no longer than its session.
func (s Session) tokenTTL(now chat.Time) time.Duration {
	left := s.ExpiresAt.Sub(now.Time)
	if s.Generation == 0 {
		return left
	}
	return min(accessTTL, left)
}

func (s Session) event() chat.SessionEvent {
	return chat.SessionEvent{Type: chat.SessionEnded, SessionID: s.ID, UserID: s.UserID, ExpiresAt: s.TokensUntil}
}

func (s Session) item(currentID string) SessionItem {
	return SessionItem{
		ID: s.ID, Label: s.Label, Current: s.ID == currentID,
		CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt,
	}
}

// labelOf makes a header of any client fit to be stored and shown.
func labelOf(userAgent string) string {
	label := strings.ToValidUTF8(userAgent[:min(len(userAgent), maxLabel)], "")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, label)
}
