// Package authtest is the contract of auth-svc's repositories, as tests that each of them runs.
package authtest

import (
	"errors"
	"slices"
	"testing"
	"time"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/id"
)

// Open opens another handle on the test's one store. The handle is closed at the test's end.
type Open func(t *testing.T) auth.Repository

// RunRepository runs the contract. Each test gets a store of its own from open.
func RunRepository(t *testing.T, open func(t *testing.T) Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"a user is found by id and email, as she was stored":                              users,
		"what is not there is not found":                                                  notFound,
		"users are paged by name, whatever the case":                                      names,
		"names and role change alone, names where they are still the ones that were read": userChanges,
		"a password is replaced where it is still the one that was read":                  passwords,
		"sessions are listed newest first until they end or expire":                       sessions,
		"a refresh is stored where nobody was first":                                      refreshes,
		"an end is stored once, with what others need to know of it":                      ends,
		"many sessions end together, each where it is live":                               endsTogether,
		"ended sessions are paged, whatever ended at the same moment":                     pagesOfEnds,
		"a network is known until its time is over, and longer when seen again":           networks,
		"a reset is the user's newest and is taken once":                                  resets,
		"keys come newest first, and a secret stays":                                      keys,
		"a purge removes what nobody needs":                                               purge,
		"of many registrations of one email one succeeds":                                 registerTogether,
		"of many refreshes of one generation one is stored":                               refreshTogether,
		"of many who take a reset one gets it":                                            resetTogether,
		"of many edits of the same names one is stored":                                   renameTogether,
		"many may learn of a network":                                                     learnTogether,
		"many first starts make one key and one secret":                                   startTogether,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func newUser(email, first, last string) auth.User {
	return auth.User{
		ID: id.New(), Email: email, PasswordHash: "hash of " + email, PasswordVersion: 1,
		FirstName: first, LastName: last, Role: auth.RoleMember, CreatedAt: chat.Now(),
	}
}

func storeUser(t *testing.T, r auth.Repository, email, first, last string) auth.User {
	t.Helper()
	u := newUser(email, first, last)
	must(t, r.CreateUser(t.Context(), u))
	return u
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got error %v, want %v", err, target)
	}
}

func ids(users []auth.User) []string {
	return each(users, func(u auth.User) string { return u.ID })
}

func each[T any](items []T, id func(T) string) []string {
	out := []string{}
	for _, item := range items {
		out = append(out, id(item))
	}
	return out
}

func users(t *testing.T, open Open) {
	r := open(t)
	ann := storeUser(t, r, "ann@example.com", "Ann", "Arbor")
	bob := storeUser(t, r, "bob@example.com", "Bob", "Øster")
	other := open(t)
	for name, get := range map[string]func() (auth.User, error){
		"by id":    func() (auth.User, error) { return other.User(t.Context(), ann.ID) },
		"by email": func() (auth.User, error) { return other.UserByEmail(t.Context(), "ann@example.com") },
	} {
		got, err := get()
		must(t, err)
		if got != ann {
			t.Errorf("%s: got %+v, want %+v", name, got, ann)
		}
	}
	found, err := r.UsersByID(t.Context(), []string{bob.ID, "nobody", ann.ID, bob.ID})
	must(t, err)
	if got := slices.Sorted(slices.Values(ids(found))); !slices.Equal(got, []string{ann.ID, bob.ID}) {
		t.Errorf("users by id: %v", got)
	}
	want(t, r.CreateUser(t.Context(), newUser("ann@example.com", "Another", "Ann")), auth.ErrEmailTaken)
}

func notFound(t *testing.T, open Open) {
	r := open(t)
	_, err := r.User(t.Context(), "nobody")
	want(t, err, auth.ErrNoUser)
	_, err = r.UserByEmail(t.Context(), "nobody@example.com")
	want(t, err, auth.ErrNoUser)
	nobody := newUser("nobody@example.com", "No", "Body")
	want(t, r.SetNames(t.Context(), nobody, nobody), auth.ErrStale)
	want(t, r.SetRole(t.Context(), "nobody", auth.RoleAdmin), auth.ErrNoUser)
	_, err = r.Session(t.Context(), "none")
	want(t, err, auth.ErrNoSession)
	_, err = r.EndSession(t.Context(), "nobody", "none", chat.Now())
	want(t, err, auth.ErrNoSession)
	_, err = r.Reset(t.Context(), "none")
	want(t, err, auth.ErrNoReset)
	want(t, r.TakeReset(t.Context(), "none"), auth.ErrNoReset)
	must(t, r.DropReset(t.Context(), "nobody"))
	must(t, r.TrustSession(t.Context(), "none", 2))
	must(t, r.Ping(t.Context()))
}

func names(t *testing.T, open Open) {
	r := open(t)
	var all []string
	for _, u := range []auth.User{
		storeUser(t, r, "1@example.com", "Ada", "Byron"),
		storeUser(t, r, "2@example.com", "ada", "Lovelace"),
		storeUser(t, r, "3@example.com", "Ada", "Lovelace"),
		storeUser(t, r, "4@example.com", "ADAM", "Smith"),
		storeUser(t, r, "5@example.com", "Øyvind", "Åse"),
	} {
		all = append(all, u.ID)
	}
	tests := []struct {
		name, after, before string
		limit               int
		want                []string
	}{
		{"all of a prefix", "ada", "ada~", 10, all[:4]},
		{"the first name whole", "ada ", "ada ~", 10, all[:3]},
		{"a page", "ada", "ada~", 2, all[:2]},
		{"behind a key", "ada lovelace\x1f" + all[1], "ada~", 10, all[2:4]},
		{"letters beyond ASCII", "øy", "øy\U0010FFFF", 10, all[4:]},
		{"nobody", "b", "b~", 10, []string{}},
	}
	for _, tt := range tests {
		got, err := r.UsersByName(t.Context(), tt.after, tt.before, tt.limit)
		must(t, err)
		if !slices.Equal(ids(got), tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, ids(got), tt.want)
		}
	}
}

func userChanges(t *testing.T, open Open) {
	r := open(t)
	ann := storeUser(t, r, "ann@example.com", "Ann", "Arbor")
	bob := storeUser(t, r, "bob@example.com", "Bob", "Builder")
	must(t, r.SetRole(t.Context(), ann.ID, auth.RoleAdmin))
	renamed := ann
	renamed.FirstName, renamed.LastName, renamed.Email, renamed.Role = "Zoe", "Zander", "other@example.com", auth.RoleMember
	must(t, r.SetNames(t.Context(), renamed, ann))
	must(t, r.SetNames(t.Context(), renamed, renamed)) // again, with nothing to change
	for _, old := range []auth.User{ann, {FirstName: "Zoe", LastName: "Arbor"}, {FirstName: "Ann", LastName: "Zander"}} {
		want(t, r.SetNames(t.Context(), ann, old), auth.ErrStale)
	}
	ann.FirstName, ann.LastName, ann.Role = "Zoe", "Zander", auth.RoleAdmin
	if got, err := r.User(t.Context(), ann.ID); err != nil || got != ann {
		t.Errorf("got %+v, %v, want %+v", got, err, ann)
	}
	byName, err := r.UsersByName(t.Context(), "", "~", 10)
	must(t, err)
	if !slices.Equal(ids(byName), []string{bob.ID, ann.ID}) {
		t.Errorf("by name: %v", ids(byName))
	}
	admins, err := r.UsersByRole(t.Context(), auth.RoleAdmin)
	must(t, err)
	if !slices.Equal(ids(admins), []string{ann.ID}) {
		t.Errorf("admins: %v", ids(admins))
	}
}

func passwords(t *testing.T, open Open) {
	r := open(t)
	ann := storeUser(t, r, "ann@example.com", "Ann", "Arbor")
	old := ann.PasswordHash
	ann.PasswordHash, ann.PasswordVersion = "another hash", 2
	must(t, r.ReplacePassword(t.Context(), ann, old))
	if got, err := r.User(t.Context(), ann.ID); err != nil || got != ann {
		t.Errorf("got %+v, %v, want %+v", got, err, ann)
	}
	want(t, r.ReplacePassword(t.Context(), ann, old), auth.ErrStale)
	want(t, r.ReplacePassword(t.Context(), newUser("x@example.com", "No", "Body"), old), auth.ErrStale)
}

func resets(t *testing.T, open Open) {
	r := open(t)
	first := auth.Reset{UserID: "ann", TokenHash: "one", ExpiresAt: chat.TimeOf(time.Now().Add(time.Hour))}
	second := auth.Reset{UserID: "ann", TokenHash: "two", ExpiresAt: chat.TimeOf(time.Now().Add(2 * time.Hour))}
	must(t, r.SetReset(t.Context(), first))
	if got, err := r.Reset(t.Context(), "one"); err != nil || got != first {
		t.Errorf("got %+v, %v, want %+v", got, err, first)
	}
	must(t, r.SetReset(t.Context(), second))
	want(t, r.TakeReset(t.Context(), "one"), auth.ErrNoReset)
	must(t, r.TakeReset(t.Context(), "two"))
	want(t, r.TakeReset(t.Context(), "two"), auth.ErrNoReset)
	must(t, r.SetReset(t.Context(), first))
	must(t, r.DropReset(t.Context(), "ann"))
	want(t, r.TakeReset(t.Context(), "one"), auth.ErrNoReset)
}

func keys(t *testing.T, open Open) {
	r := open(t)
	for number := range int64(3) {
		must(t, r.AddKey(t.Context(), auth.Key{Number: number + 1, ID: id.New(), Seed: make([]byte, 32), CreatedAt: chat.Now()}))
	}
	want(t, r.AddKey(t.Context(), auth.Key{Number: 3, ID: id.New(), Seed: make([]byte, 32), CreatedAt: chat.Now()}), auth.ErrStale)
	stored, err := open(t).Keys(t.Context())
	must(t, err)
	if len(stored) != 3 || stored[0].Number != 3 || stored[2].Number != 1 || len(stored[0].Seed) != 32 {
		t.Errorf("keys: %+v", stored)
	}
	for _, fresh := range []string{"first", "second"} {
		if got, err := r.Secret(t.Context(), "name", []byte(fresh)); err != nil || string(got) != "first" {
			t.Errorf("secret: %q, %v", got, err)
		}
	}
	if got, err := r.Secret(t.Context(), "other", []byte("third")); err != nil || string(got) != "third" {
		t.Errorf("another secret: %q, %v", got, err)
	}
}
