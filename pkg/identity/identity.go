// Package identity carries who is acting through a request's context.
package identity

import (
	"context"
	"time"
)

// Identity is the verified caller of a request. Between services only UserID is set.
type Identity struct {
	UserID    string // empty: the system itself acts
	SessionID string
	Role      string // Member, Client, Owner or Admin
	ExpiresAt time.Time
}

type key struct{}

// With returns a context in which who acts.
func With(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, key{}, who)
}

// As returns a context in which the user of this id acts.
func As(ctx context.Context, userID string) context.Context {
	return With(ctx, Identity{UserID: userID})
}

// From returns who acts; the zero Identity where nobody does.
func From(ctx context.Context) Identity {
	who, _ := ctx.Value(key{}).(Identity)
	return who
}

// UserID returns the id of the acting user, empty where nobody acts.
func UserID(ctx context.Context) string { return From(ctx).UserID }
