package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

// service is the Service.
type service struct {
	repo        Repository
	keys        *keyring
	hasher      *hasher
	broker      broker.Broker
	resets      *resetMails
	log         *slog.Logger
	ended       *prometheus.CounterVec // by reason
	tutorialTTL time.Duration
}

func (s *service) Register(ctx context.Context, r RegisterRequest) (Tokens, error) {
	email, emailErr := normalEmail(r.Email)
	first, firstErr := normalName("first_name", r.FirstName)
	last, lastErr := normalName("last_name", r.LastName)
	if err := check.All(emailErr, firstErr, lastErr, newPassword("password", r.Password)); err != nil {
		return Tokens{}, err
	}
	hash, err := s.hasher.hash(ctx, r.Password)
	if err != nil {
		return Tokens{}, err
	}
	u := User{
		ID: id.New(), Email: email, PasswordHash: hash, PasswordVersion: 1,
		FirstName: first, LastName: last, Role: RoleMember, CreatedAt: chat.Now(),
	}
	if err := s.repo.CreateUser(ctx, u); err != nil {
		return Tokens{}, err
	}
	tokens, err := s.begin(ctx, u, r.Client)
	tokens.Registered = true
	return tokens, err
}

func (s *service) Login(ctx context.Context, r LoginRequest) (Tokens, error) {
	email, err := normalEmail(r.Email)
	if err := check.All(err, check.Text("password", r.Password, maxPassword)); err != nil {
		return Tokens{}, err
	}
	u, err := s.repo.UserByEmail(ctx, email)
	if errors.Is(err, ErrNoUser) {
		if err := s.hasher.verifyNobody(ctx, r.Password); err != nil {
			return Tokens{}, err
		}
		return Tokens{}, errCredentials
	}
	if err != nil {
		return Tokens{}, err
	}
	ok, outdated, err := s.hasher.verify(ctx, u.PasswordHash, r.Password)
	if err != nil {
		return Tokens{}, err
	}
	if !ok {
		return Tokens{}, errCredentials
	}
	if outdated {
		s.rehash(ctx, u, r.Password)
	}
	return s.begin(ctx, u, r.Client)
}

// rehash gives the password a hash of the present cost. A failure is no reason to refuse a login: the next one tries again.
func (s *service) rehash(ctx context.Context, u User, password string) {
	old := u.PasswordHash
	hash, err := s.hasher.hash(ctx, password)
	if err == nil {
		u.PasswordHash = hash
		err = s.repo.ReplacePassword(ctx, u, old)
	}
	if err != nil {
		s.log.WarnContext(ctx, "password not hashed anew", "user_id", u.ID, "error", err.Error())
	}
}

func (s *service) Me(ctx context.Context, _ None) (ProfileResponse, error) {
	u, err := s.repo.User(ctx, identity.UserID(ctx))
	return ProfileResponse{User: u.profile()}, err
}

func (s *service) EditMe(ctx context.Context, r EditMeRequest) (ProfileResponse, error) {
	if r.FirstName == nil && r.LastName == nil {
		return ProfileResponse{}, fault.BadField("first_name", "Give a first_name, a last_name or both.")
	}
	for range staleTries {
		u, err := s.editNames(ctx, identity.UserID(ctx), r)
		if !errors.Is(err, ErrStale) {
			return ProfileResponse{User: u.profile()}, err
		}
	}
	return ProfileResponse{}, errBusy.After(time.Second)
}

// editNames returns ErrStale where the names changed after they were read. Both are read since they make one key.
func (s *service) editNames(ctx context.Context, userID string, r EditMeRequest) (User, error) {
	old, err := s.repo.User(ctx, userID)
	if err != nil {
		return User{}, err
	}
	u := old
	if r.FirstName != nil {
		if u.FirstName, err = normalName("first_name", *r.FirstName); err != nil {
			return User{}, err
		}
	}
	if r.LastName != nil {
		if u.LastName, err = normalName("last_name", *r.LastName); err != nil {
			return User{}, err
		}
	}
	return u, s.repo.SetNames(ctx, u, old)
}

func (s *service) FindUsers(ctx context.Context, r FindUsersRequest) (UserPage, error) {
	byName := r.Prefix != nil
	switch {
	case countTrue(r.IDs != nil, byName, r.Email != nil) != 1:
		return UserPage{}, fault.New(fault.Invalid, "invalid_query", "Give exactly one of ids, prefix and email.")
	case !byName && (r.Limit != 0 || r.Cursor != ""):
		return UserPage{}, fault.New(fault.Invalid, "invalid_query", "The parameters limit and cursor go with prefix alone.")
	case byName:
		return s.findByName(ctx, *r.Prefix, r.Cursor, r.Limit)
	case r.Email != nil:
		return s.findByEmail(ctx, *r.Email)
	}
	if err := check.IDs("ids", r.IDs, chat.MaxPage); err != nil {
		return UserPage{}, err
	}
	users, err := s.repo.UsersByID(ctx, r.IDs)
	return UserPage{Items: public(users)}, err
}

func (s *service) findByEmail(ctx context.Context, email string) (UserPage, error) {
	email, err := normalEmail(email)
	if err != nil {
		return UserPage{}, err
	}
	u, err := s.repo.UserByEmail(ctx, email)
	if errors.Is(err, ErrNoUser) {
		return UserPage{Items: []peer.User{}}, nil
	}
	return UserPage{Items: public([]User{u})}, err
}

func (s *service) findByName(ctx context.Context, prefix, cursor string, limit int) (UserPage, error) {
	prefix, prefixErr := lowerCase("prefix", strings.TrimLeft(prefix, " "), 2*maxName)
	limit, limitErr := check.Limit(limit)
	if err := check.All(prefixErr, limitErr); err != nil {
		return UserPage{}, err
	}
	after := prefix // no key equals it: all hold a separator, which no name does
	if cursor != "" {
		key, err := base64.RawURLEncoding.DecodeString(cursor)
		if after = string(key); err != nil || check.OptionalText("cursor", after, 4*maxName) != nil || !strings.HasPrefix(after, prefix) {
			return UserPage{}, fault.BadField("cursor", "The cursor is not from a page of this prefix.")
		}
	}
	users, err := s.repo.UsersByName(ctx, after, prefix+lastRune, limit+1)
	if err != nil || len(users) <= limit {
		return UserPage{Items: public(users)}, err
	}
	next := base64.RawURLEncoding.EncodeToString([]byte(users[limit-1].nameKey()))
	return UserPage{Items: public(users[:limit]), Next: &next, HasMore: true}, nil
}

// lastRune is above whatever else may follow a prefix.
const lastRune = "\U0010FFFF"

func countTrue(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}
