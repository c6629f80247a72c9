package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// networkLife is how long an account knows a network after it was last proved from there whose the account is.
const networkLife = 90 * 24 * time.Hour

// accountKey stands for an account, seen from a network, so that neither the limiter's store nor that of the networks lists addresses; it
// hides none from who guesses it. The empty network is all those that the account does not know.
func accountKey(email, network string) string {
	sum := sha256.Sum256([]byte(email + "\n" + network)) // no address holds a line break
	return hex.EncodeToString(sum[:])
}

func (s *service) KnowsNetwork(ctx context.Context, email, network string) (bool, error) {
	return s.repo.KnowsNetwork(ctx, accountKey(email, network), chat.Now())
}

// remember has the account know the network that its user was proved from. A failure is no reason to refuse her: she counts among
// the strangers until her next login from there.
func (s *service) remember(ctx context.Context, u User, network string) {
	err := s.repo.RememberNetwork(ctx, accountKey(u.Email, network), chat.TimeOf(time.Now().Add(networkLife)))
	if err != nil {
		s.log.WarnContext(ctx, "network of a login not remembered", "user_id", u.ID, "error", err.Error())
	}
}
