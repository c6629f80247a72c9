package peer

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
)

// Auth is what auth-svc does for other services. Errors are faults.
type Auth interface {
	// Keys returns the public keys that verify users' tokens.
	Keys(ctx context.Context, r KeysRequest) (JWKS, error)
	// Revocations returns a page of the sessions that ended at or after r.Since and whose tokens may still live, in the order of their ends.
	Revocations(ctx context.Context, r RevocationsRequest) (Revocations, error)
	// Users returns those of the users that exist, in no order.
	Users(ctx context.Context, r UsersRequest) (Users, error)
	// Recipients returns users other than the acting one, by name.
	Recipients(ctx context.Context, r RecipientsRequest) (Users, error)
}

// The routes behind Auth.
const (
	PathKeys        = "/internal/auth/keys"
	PathRevocations = "/internal/auth/revocations"
	PathUsers       = "/internal/auth/users"
	PathRecipients  = "/internal/auth/recipients"
)

// KeysRequest asks for all keys.
type KeysRequest struct{}

// JWKS is a JSON Web Key Set (RFC 7517) of Ed25519 keys (RFC 8037).
type JWKS struct {
	Keys []JWK `json:"keys"`
}

// JWK is one public key.
type JWK struct {
	KeyType   string `json:"kty"` // OKP
	Curve     string `json:"crv"` // Ed25519
	Algorithm string `json:"alg"` // EdDSA
	Use       string `json:"use"` // sig
	KeyID     string `json:"kid"`
	X         string `json:"x"` // the key, base64url without padding
}

// RevocationsPage is the most sessions that one answer holds.
const RevocationsPage = 10_000

// RevocationsRequest asks for what ended at or after Since; the zero time asks for all. Of the sessions that ended at that very
// millisecond it wants those whose id is above After.
type RevocationsRequest struct {
	Since chat.Time `json:"since"`
	After string    `json:"after"` // a session id; empty: below all
}

// Revocations are ended sessions, at most RevocationsPage.
//
// A session that ends while the pages are read may belong before the one that is read next. So the first request of the next
// round is for the Now of this round's first page, less an overlap.
type Revocations struct {
	Sessions []chat.SessionEvent `json:"sessions"`
	Now      chat.Time           `json:"now"`  // by auth-svc's clock
	Next     *RevocationsRequest `json:"next"` // of the page behind it; nil on the last
}

// UsersRequest asks for at most chat.MaxBatch users.
type UsersRequest struct {
	IDs []string `json:"ids"`
}

// RecipientsRequest asks for at most Limit users.
type RecipientsRequest struct {
	Limit int `json:"limit"`
}

// Users are users without what is private.
type Users struct {
	Items []User `json:"items"`
}

// User is what others may know of a user.
type User struct {
	ID        string `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}
