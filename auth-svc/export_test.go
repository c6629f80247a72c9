package auth

import (
	"context"

	"golang.org/x/crypto/argon2"

	"github.com/confab-chat/confab/pkg/sqlitekit"
)

// NewMongoRepository opens the repository in a test's own database.
var NewMongoRepository = newMongoRepository

// SQLiteDB returns the file of a repository that OpenSQLite opened.
func SQLiteDB(r Repository) *sqlitekit.DB { return r.(*sqliteRepository).db }

// WeakHash hashes a password at a lower cost than today's.
func WeakHash(password string) string {
	cost := argonCost{memory: 64, passes: 1, threads: 1}
	salt := randomBytes(saltLen)
	return cost.encode(salt, argon2.IDKey([]byte(password), salt, cost.passes, cost.memory, cost.threads, hashLen))
}

// Forgot asks for a reset mail as a request does that no rate limit holds up.
func (a *App) Forgot(ctx context.Context, email string) error {
	_, err := a.service.ForgotPassword(ctx, ForgotPasswordRequest{Email: email})
	return err
}
