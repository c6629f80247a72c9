package realtime

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counted is a topic that notes its life.
type counted struct {
	opened *atomic.Int32 // how many of the key are open
	fails  *atomic.Bool
}

func (c *counted) open(context.Context) error {
	c.opened.Add(1)
	if c.fails.Load() {
		return errors.New("no")
	}
	return nil
}

func (c *counted) close() { c.opened.Add(-1) }

func newCounted() (*registry[*counted], *counted) {
	all := &counted{opened: &atomic.Int32{}, fails: &atomic.Bool{}}
	return newRegistry(func(string) *counted { return &counted{opened: all.opened, fails: all.fails} }), all
}

func TestATopicIsOpenFromItsFirstUserToItsLast(t *testing.T) {
	r, all := newCounted()
	first, _ := r.acquire(t.Context(), "k")
	second, _ := r.acquire(t.Context(), "k")
	if first != second || all.opened.Load() != 1 {
		t.Error("two topics of one key")
	}
	r.release("k")
	if _, ok := r.get("k"); !ok || all.opened.Load() != 1 {
		t.Error("closed before its last user left")
	}
	r.release("k")
	if _, ok := r.get("k"); ok || all.opened.Load() != 0 || len(r.entries) != 0 {
		t.Error("not closed after its last user left")
	}
}

func TestATopicThatDoesNotOpenIsForgotten(t *testing.T) {
	r, all := newCounted()
	all.fails.Store(true)
	if _, err := r.acquire(t.Context(), "k"); err == nil {
		t.Error("no error")
	}
	if _, ok := r.get("k"); ok || all.opened.Load() != 0 || len(r.entries) != 0 {
		t.Error("something is left")
	}
	all.fails.Store(false)
	if _, err := r.acquire(t.Context(), "k"); err != nil {
		t.Error(err)
	}
	r.release("k")
}

func TestAtMostOneTopicOfAKeyIsOpen(t *testing.T) {
	r, all := newCounted()
	var users sync.WaitGroup
	for range 16 {
		users.Go(func() {
			for range 500 {
				topic, err := r.acquire(t.Context(), "k")
				if err != nil {
					t.Error(err)
					return
				}
				if n := all.opened.Load(); n != 1 {
					t.Errorf("%d are open", n)
				}
				if now, ok := r.get("k"); !ok || now != topic {
					t.Error("get finds another")
				}
				r.release("k")
			}
		})
	}
	users.Wait()
	if all.opened.Load() != 0 || len(r.entries) != 0 {
		t.Error("something is left")
	}
}

func TestATopicThatSomebodyNeedsAgainIsNotClosed(t *testing.T) {
	r, all := newCounted()
	if _, err := r.acquire(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	e := r.entries["k"]
	e.lock.Lock()
	var releasing sync.WaitGroup
	releasing.Go(func() { r.release("k") })
	eventually(t, "the last user has left", func() bool { return r.unused(e) })
	r.ref("k") // the next one comes before the topic is closed
	e.lock.Unlock()
	releasing.Wait()
	if _, ok := r.get("k"); !ok || all.opened.Load() != 1 {
		t.Error("closed under the next user")
	}
	r.release("k")
}

// slow is a topic that opens, or fails to, when it is told.
type slow struct {
	opening chan struct{} // gets a token for each open
	outcome chan error
}

func (s *slow) open(ctx context.Context) error {
	s.opening <- struct{}{}
	select {
	case err := <-s.outcome:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slow) close() {}

// acquireInTurn has n users wait for one topic, the first with a context of its own. It returns when the topic opens for the first of
// them and the others wait.
func acquireInTurn(first context.Context, t *testing.T, n int) (s *slow, r *registry[*slow], outcomes chan error) {
	t.Helper()
	s, outcomes = &slow{opening: make(chan struct{}, n), outcome: make(chan error, 1)}, make(chan error, n)
	r = newRegistry(func(string) *slow { return s })
	acquire := func(ctx context.Context) {
		_, err := r.acquire(ctx, "k")
		outcomes <- err
	}
	go acquire(first)
	<-s.opening
	for range n - 1 {
		go acquire(t.Context())
	}
	eventually(t, "all wait", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.entries["k"].refs == n
	})
	return s, r, outcomes
}

// heard returns the outcome of the next acquire that has one.
func heard(t *testing.T, outcomes <-chan error) error {
	t.Helper()
	select {
	case err := <-outcomes:
		return err
	case <-time.After(wait):
		t.Fatal("one hears nothing")
		return nil
	}
}

func TestThoseWhoWaitForATopicThatDoesNotOpenShareTheError(t *testing.T) {
	const users = 10
	s, r, outcomes := acquireInTurn(t.Context(), t, users)
	down := errors.New("down")
	s.outcome <- down
	for range users {
		if err := heard(t, outcomes); !errors.Is(err, down) {
			t.Errorf("acquire: %v", err)
		}
	}
	if len(s.opening) != 0 || len(r.entries) != 0 {
		t.Error("it was opened again for those who waited, or something is left")
	}
	s.outcome <- nil
	if _, err := r.acquire(t.Context(), "k"); err != nil {
		t.Errorf("the next one hears an old error: %v", err)
	}
}

func TestATopicWhoseOpenerLeavesIsOpenedForTheNext(t *testing.T) {
	leaving, leave := context.WithCancel(t.Context())
	s, _, outcomes := acquireInTurn(leaving, t, 2)
	leave()
	if err := heard(t, outcomes); !errors.Is(err, context.Canceled) {
		t.Errorf("acquire: %v", err)
	}
	s.outcome <- nil
	if err := heard(t, outcomes); err != nil {
		t.Errorf("the next one hears: %v", err)
	}
}
