package identity_test

import (
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/identity"
)

func TestContextSaysWhoActs(t *testing.T) {
	ann := identity.Identity{UserID: "ann", SessionID: "s1", Role: "Member", ExpiresAt: time.Unix(1, 0)}
	asAnn := identity.With(t.Context(), ann)
	if got := identity.From(asAnn); got != ann || identity.UserID(asAnn) != "ann" {
		t.Fatalf("got %+v", got)
	}
	asBob := identity.As(asAnn, "bob")
	if got := identity.From(asBob); got != (identity.Identity{UserID: "bob"}) {
		t.Fatalf("bob acts with what is ann's: %+v", got)
	}
	if got := identity.From(t.Context()); got != (identity.Identity{}) || identity.UserID(t.Context()) != "" {
		t.Fatalf("nobody acts, and is %+v", got)
	}
}
