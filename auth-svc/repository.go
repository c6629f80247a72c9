package auth

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
)

// Repository stores accounts, sessions and secrets. authtest.RunRepository holds what it promises, to many handles on one
// store:
//
//   - What a method has done when it returns nil is on disk (on a replica set: on a majority's) and every later read sees it.
//   - Each method is atomic, but for EndSessions and Purge: of several callers that want the same email, the same generation of a session, the same reset
//     token or the same key number, one gets it.
//
// The store is to be guarded like the passwords and keys it holds: it has the private signing keys and the secret of the
// refresh tokens in clear, so whoever can read it can be any user. Passwords and reset tokens are in it as hashes alone.
type Repository interface {
	// CreateUser stores a user. It returns ErrEmailTaken.
	CreateUser(ctx context.Context, u User) error
	// User returns a user by id, UserByEmail by the address as it is stored. They return ErrNoUser.
	User(ctx context.Context, id string) (User, error)
	UserByEmail(ctx context.Context, email string) (User, error)
	// UsersByID returns those that exist, in no order.
	UsersByID(ctx context.Context, ids []string) ([]User, error)
	// UsersByName returns at most limit users with after < nameKey < before, in its order.
	UsersByName(ctx context.Context, after, before string, limit int) ([]User, error)
	// UsersByRole returns all users of a role, in no order.
	UsersByRole(ctx context.Context, role string) ([]User, error)
	// SetNames stores the user's names where the stored ones are still those of old. Else it returns ErrStale.
	SetNames(ctx context.Context, u, old User) error
	// SetRole returns ErrNoUser.
	SetRole(ctx context.Context, id, role string) error
	// ReplacePassword stores the user's password hash and version where the stored hash is still old. Else it returns ErrStale.
	ReplacePassword(ctx context.Context, u User, old string) error

	CreateSession(ctx context.Context, s Session) error
	// Session returns a session, an ended one too. It returns ErrNoSession.
	Session(ctx context.Context, id string) (Session, error)
	// LiveSessions returns at most limit of the user's sessions that have neither ended nor expired at now and whose id is below
	// before, from the greatest id down. An empty before is above all.
	LiveSessions(ctx context.Context, userID, before string, now chat.Time, limit int) ([]Session, error)
	// RefreshSession stores what a refresh changes in a session where that is live and still of this generation. Else it returns ErrStale.
	RefreshSession(ctx context.Context, s Session, generation int64) error
	// TrustSession keeps a live session alive through a change of password: it raises its PasswordVersion.
	TrustSession(ctx context.Context, id string, passwordVersion int64) error
	// EndSession ends a session of the user and returns it. It returns ErrNoSession where she has none such, or it has ended before.
	EndSession(ctx context.Context, userID, id string, at chat.Time) (Session, error)
	// EndSessions ends those of the sessions that are the user's and live, each by itself: an error may leave some of them ended. It
	// returns those that ended at at, so one that another ended at the same millisecond is among them.
	EndSessions(ctx context.Context, userID string, ids []string, at chat.Time) ([]Session, error)
	// EndedSessions returns at most limit sessions whose tokens live at now and that ended after since, or at since with an id above
	// after; by their end, then their id.
	EndedSessions(ctx context.Context, since chat.Time, after string, now chat.Time, limit int) ([]Session, error)

	// RememberNetwork has an account know a network until then. KnowsNetwork reports whether it does at now. The key stands for both.
	RememberNetwork(ctx context.Context, key string, until chat.Time) error
	KnowsNetwork(ctx context.Context, key string, now chat.Time) (bool, error)

	// SetReset stores a reset in place of the user's last one.
	SetReset(ctx context.Context, r Reset) error
	// Reset returns the reset with the token's hash. It returns ErrNoReset.
	Reset(ctx context.Context, tokenHash string) (Reset, error)
	// TakeReset removes a reset. It returns ErrNoReset where another took it.
	TakeReset(ctx context.Context, tokenHash string) error
	// DropReset removes the user's reset, if there is one.
	DropReset(ctx context.Context, userID string) error

	// Keys returns all signing keys, the newest first.
	Keys(ctx context.Context) ([]Key, error)
	// AddKey stores a key. It returns ErrStale where its number is taken.
	AddKey(ctx context.Context, k Key) error
	// Secret returns the secret of that name, which is fresh where there was none.
	Secret(ctx context.Context, name string, fresh []byte) ([]byte, error)

	// Purge removes what had no more use at now: sessions that expired or whose end nobody needs to know any more, and
	// expired resets and networks.
	Purge(ctx context.Context, now chat.Time) error
	// Ping returns an error where the store cannot be reached.
	Ping(ctx context.Context) error
	Close() error
}

// ErrStale says that another was first: read again and decide anew.
var ErrStale = fault.New(fault.Conflict, "stale", "It was changed by another at the same time. Try again.")

// Reset is a link that was mailed to a user who forgot her password.
type Reset struct {
	UserID    string
	TokenHash string // SHA-256 in hex
	ExpiresAt chat.Time
}
