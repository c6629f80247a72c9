package realtime

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
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
