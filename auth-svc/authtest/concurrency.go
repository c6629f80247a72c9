package authtest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/chat"
)

// together runs f in many goroutines at once, half of them on each of two handles, and returns how often it succeeded. Other
// errors than lost fail the test.
func together(t *testing.T, open Open, lost error, f func(r auth.Repository, i int) error) int {
	t.Helper()
	const callers = 20
	handles := []auth.Repository{open(t), open(t)}
	errs := make([]error, callers)
	var running sync.WaitGroup
	for i := range callers {
		running.Go(func() { errs[i] = f(handles[i%2], i) })
	}
	running.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, lost) {
			t.Errorf("got error %v, want %v", err, lost)
		}
	}
	return won
}

func registerTogether(t *testing.T, open Open) {
	won := together(t, open, auth.ErrEmailTaken, func(r auth.Repository, _ int) error {
		return r.CreateUser(t.Context(), newUser("ann@example.com", "Ann", "Arbor"))
	})
	if won != 1 {
		t.Errorf("%d of the registrations succeeded", won)
	}
}

func refreshTogether(t *testing.T, open Open) {
	s := storeSession(t, open(t), "ann")
	won := together(t, open, auth.ErrStale, func(r auth.Repository, i int) error {
		next := s
		next.Generation, next.Uses = 2, []chat.Time{chat.FromMillis(int64(i + 1))}
		return r.RefreshSession(t.Context(), next, 1)
	})
	if won != 1 {
		t.Errorf("%d of the refreshes were stored", won)
	}
}

func resetTogether(t *testing.T, open Open) {
	r := auth.Reset{UserID: "ann", TokenHash: "hash", ExpiresAt: chat.TimeOf(time.Now().Add(time.Hour))}
	won := together(t, open, nil, func(repo auth.Repository, _ int) error { return repo.SetReset(t.Context(), r) })
	if won != 20 {
		t.Errorf("%d of the resets were stored", won)
	}
	won = together(t, open, auth.ErrNoReset, func(repo auth.Repository, _ int) error { return repo.TakeReset(t.Context(), "hash") })
	if won != 1 {
		t.Errorf("%d took the reset", won)
	}
}

func renameTogether(t *testing.T, open Open) {
	ann := storeUser(t, open(t), "ann@example.com", "Ann", "Arbor")
	won := together(t, open, auth.ErrStale, func(r auth.Repository, i int) error {
		next := ann
		next.FirstName = fmt.Sprint("Ann ", i)
		return r.SetNames(t.Context(), next, ann)
	})
	if won != 1 {
		t.Errorf("%d of the edits were stored", won)
	}
}

func learnTogether(t *testing.T, open Open) {
	until := chat.TimeOf(time.Now().Add(time.Hour))
	won := together(t, open, nil, func(r auth.Repository, _ int) error { return r.RememberNetwork(t.Context(), "key", until) })
	if won != 20 {
		t.Errorf("%d learned of the network", won)
	}
}

func startTogether(t *testing.T, open Open) {
	won := together(t, open, auth.ErrStale, func(r auth.Repository, i int) error {
		return r.AddKey(t.Context(), auth.Key{Number: 1, ID: fmt.Sprint(i), Seed: make([]byte, 32), CreatedAt: chat.Now()})
	})
	if won != 1 {
		t.Errorf("%d keys were stored", won)
	}
	var mu sync.Mutex
	secrets := map[string]bool{}
	together(t, open, nil, func(r auth.Repository, i int) error {
		secret, err := r.Secret(t.Context(), "name", fmt.Append(nil, i))
		mu.Lock()
		defer mu.Unlock()
		secrets[string(secret)] = true
		return err
	})
	if len(secrets) != 1 {
		t.Errorf("the callers got %d different secrets", len(secrets))
	}
}
