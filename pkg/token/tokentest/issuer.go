// Package tokentest stands in for auth-svc's keys in the tests of other services: it signs tokens that their verifiers accept.
package tokentest

import (
	"context"
	"crypto/ed25519"
	"sync"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token"
)

// Issuer is a peer.Auth that has one key, knows users by what it is given, and revokes sessions when told.
type Issuer struct {
	key token.SigningKey

	mu      sync.Mutex
	users   map[string]peer.User
	revoked []chat.SessionEvent
}

// New returns an Issuer with a fresh key and these users, whose names are their ids.
func New(userIDs ...string) *Issuer {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	i := &Issuer{key: token.SigningKey{ID: "test", Private: private}, users: map[string]peer.User{}}
	for _, userID := range userIDs {
		i.users[userID] = peer.User{ID: userID, FirstName: userID, LastName: "Test"}
	}
	return i
}

// Token signs a token of the user's session "sid-USER", valid for ttl from now.
func (i *Issuer) Token(t testing.TB, userID string, ttl time.Duration) string {
	t.Helper()
	signed, err := i.key.Sign(token.Claims{UserID: userID, SessionID: "sid-" + userID, Role: "Member"}, time.Now(), ttl)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// Revoke ends the user's session. Verifiers learn of it by their next pull.
func (i *Issuer) Revoke(userID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.revoked = append(i.revoked, chat.SessionEvent{
		Type: chat.SessionEnded, SessionID: "sid-" + userID, UserID: userID, ExpiresAt: chat.TimeOf(time.Now().Add(time.Hour)),
	})
}

// Keys returns the issuer's key.
func (i *Issuer) Keys(context.Context, peer.KeysRequest) (peer.JWKS, error) {
	return peer.JWKS{Keys: []peer.JWK{i.key.JWK()}}, nil
}

// Revocations returns all revoked sessions.
func (i *Issuer) Revocations(context.Context, peer.RevocationsRequest) (peer.Revocations, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return peer.Revocations{Sessions: append([]chat.SessionEvent(nil), i.revoked...), Now: chat.Now()}, nil
}

// Users returns the known ones.
func (i *Issuer) Users(_ context.Context, r peer.UsersRequest) (peer.Users, error) {
	var users peer.Users
	for _, userID := range r.IDs {
		if u, ok := i.users[userID]; ok {
			users.Items = append(users.Items, u)
		}
	}
	return users, nil
}

// Recipients is not part of the stand-in.
func (i *Issuer) Recipients(context.Context, peer.RecipientsRequest) (peer.Users, error) {
	return peer.Users{}, fault.New(fault.Unavailable, "not_here", "The stand-in for auth-svc has no recipients.")
}
