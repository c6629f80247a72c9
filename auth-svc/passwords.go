package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
)

func (s *service) ChangePassword(ctx context.Context, r ChangePasswordRequest) (httpkit.Empty, error) {
	err := check.All(check.Text("current_password", r.CurrentPassword, maxPassword), newPassword("new_password", r.NewPassword))
	if err != nil {
		return httpkit.Empty{}, err
	}
	who := identity.From(ctx)
	u, err := s.repo.User(ctx, who.UserID)
	if err != nil {
		return httpkit.Empty{}, err
	}
	ok, _, err := s.hasher.verify(ctx, u.PasswordHash, r.CurrentPassword)
	if err != nil {
		return httpkit.Empty{}, err
	}
	if !ok {
		return httpkit.Empty{}, errPassword
	}
	hash, err := s.hasher.hash(ctx, r.NewPassword)
	if err != nil {
		return httpkit.Empty{}, err
	}
	ctx, cancel := whole(ctx)
	defer cancel()
	// The acting session is trusted first: a refresh of it that comes in between must not be refused.
	if err := s.repo.TrustSession(ctx, who.SessionID, u.PasswordVersion+1); err != nil {
		return httpkit.Empty{}, err
	}
	err = s.setPassword(ctx, u, hash, who.SessionID)
	if errors.Is(err, ErrStale) {
		err = errPassword // it was changed since
	}
	if err != nil {
		return httpkit.Empty{}, err
	}
	return httpkit.Empty{}, s.repo.DropReset(ctx, u.ID)
}

const wholeTimeout = 30 * time.Second // to store a new password and end all sessions of the old one

// whole lets a change be made whole though its client leaves.
func whole(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), wholeTimeout)
}

// setPassword ends all the user's sessions but the one of id keep. It ends them before too: should the process die after the new
// password is stored, no token of the old one lives on. It returns ErrStale where she has got another password since she was read.
func (s *service) setPassword(ctx context.Context, u User, hash, keep string) error {
	if err := s.endAll(ctx, u.ID, keep, endedByPassword); err != nil {
		return err
	}
	old := u.PasswordHash
	u.PasswordHash = hash
	u.PasswordVersion++
	if err := s.repo.ReplacePassword(ctx, u, old); err != nil {
		return err
	}
	return s.endAll(ctx, u.ID, keep, endedByPassword)
}

func (s *service) ForgotPassword(_ context.Context, r ForgotPasswordRequest) (httpkit.Empty, error) {
	email, err := normalEmail(r.Email)
	if err != nil {
		return httpkit.Empty{}, err
	}
	if !s.resets.ask(email) {
		return httpkit.Empty{}, errBusy.After(time.Minute)
	}
	return httpkit.Empty{}, nil
}

func (s *service) ResetPassword(ctx context.Context, r ResetPasswordRequest) (httpkit.Empty, error) {
	if err := check.Text("token", r.Token, 512); err != nil {
		return httpkit.Empty{}, err
	}
	tokenHash := hashOf(r.Token)
	reset, err := s.repo.Reset(ctx, tokenHash)
	if err != nil {
		return httpkit.Empty{}, err
	}
	if !chat.Now().Before(reset.ExpiresAt.Time) {
		return httpkit.Empty{}, ErrNoReset
	}
	if err := newPassword("password", r.Password); err != nil {
		return httpkit.Empty{}, err
	}
	u, err := s.repo.User(ctx, reset.UserID)
	if err != nil {
		return httpkit.Empty{}, err
	}
	hash, err := s.hasher.hash(ctx, r.Password)
	if err != nil {
		return httpkit.Empty{}, err
	}
	ctx, cancel := whole(ctx) // a link that is used up has done its work
	defer cancel()
	if err := s.repo.TakeReset(ctx, tokenHash); err != nil {
		return httpkit.Empty{}, err
	}
	if err := s.setPassword(ctx, u, hash, ""); err != nil {
		return httpkit.Empty{}, err
	}
	s.remember(ctx, u, r.Client.Network)
	return httpkit.Empty{}, nil
}

// hashOf is how reset tokens are stored. They have 256 random bits, so a fast hash is enough.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
