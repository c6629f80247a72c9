package realtime

import (
	"context"
	"sync"
)

// topic is what a registry holds.
type topic interface {
	// open makes the topic ready. It is reachable by get before, so that it hears what is delivered meanwhile.
	open(ctx context.Context) error
	close()
}

// registry holds a topic for each key that somebody needs: opened for the first, closed after the last, both under the key's lock.
type registry[T topic] struct {
	create func(key string) T

	mu      sync.RWMutex
	entries map[string]*entry[T]
}

type entry[T topic] struct {
	lock  sync.Mutex // held while the topic is opened or closed
	open  bool       // guarded by lock
	refs  int        // guarded by the registry's mu, as are the others
	topic T
	alive bool // topic is set

	failures int   // of open; written under both locks, so that either will do to read it
	failure  error // the last of them; guarded by lock
}

func newRegistry[T topic](create func(key string) T) *registry[T] {
	return &registry[T]{create: create, entries: map[string]*entry[T]{}}
}

// acquire returns the key's topic, open. It returns the error of open, also where open failed for another while this one waited: else
// those who wait would fail one after another, each as slowly as the first. Each success needs one release.
func (r *registry[T]) acquire(ctx context.Context, key string) (T, error) {
	e, failures := r.ref(key)
	e.lock.Lock()
	defer e.lock.Unlock()
	if e.open {
		return e.topic, nil
	}
	err := e.failure
	if e.failures == failures { // none while this one waited
		err = r.open(ctx, key, e)
	}
	if err != nil {
		r.unref(e)
		r.forget(key, e)
		var none T
		return none, err
	}
	return e.topic, nil
}

// open opens the key's topic. The caller holds the entry's lock.
func (r *registry[T]) open(ctx context.Context, key string, e *entry[T]) error {
	t := r.create(key)
	r.set(e, t, true)
	err := t.open(ctx)
	if err == nil {
		e.open = true
		return nil
	}
	t.close()
	if ctx.Err() == nil { // else it was the caller who left, which says nothing to the others
		r.mu.Lock()
		e.failures, e.failure = e.failures+1, err
		r.mu.Unlock()
	}
	return err
}

// release gives back what acquire gave.
func (r *registry[T]) release(key string) {
	r.mu.RLock()
	e := r.entries[key]
	r.mu.RUnlock()
	if !r.unref(e) {
		return
	}
	e.lock.Lock()
	defer e.lock.Unlock()
	if e.open && r.unused(e) {
		e.open = false
		e.topic.close()
	}
	if !e.open {
		r.forget(key, e)
	}
}

// get returns the key's topic, open or being opened.
func (r *registry[T]) get(key string) (T, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if e := r.entries[key]; e != nil && e.alive {
		return e.topic, true
	}
	var none T
	return none, false
}

// all returns the topics, open or being opened.
func (r *registry[T]) all() []T {
	r.mu.RLock()
	defer r.mu.RUnlock()
	topics := make([]T, 0, len(r.entries))
	for _, e := range r.entries {
		if e.alive {
			topics = append(topics, e.topic)
		}
	}
	return topics
}

// ref also returns how often the topic has failed to open before.
func (r *registry[T]) ref(key string) (e *entry[T], failures int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e = r.entries[key]
	if e == nil {
		e = &entry[T]{}
		r.entries[key] = e
	}
	e.refs++
	return e, e.failures
}

// unref reports whether nobody needs the entry now.
func (r *registry[T]) unref(e *entry[T]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.refs--
	return e.refs == 0
}

func (r *registry[T]) unused(e *entry[T]) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return e.refs == 0
}

func (r *registry[T]) set(e *entry[T], t T, alive bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.topic, e.alive = t, alive
}

// forget drops a topic that is closed, and its entry where nobody waits for it. The caller holds the entry's lock.
func (r *registry[T]) forget(key string, e *entry[T]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var none T
	e.topic, e.alive = none, false
	if e.refs == 0 && r.entries[key] == e {
		delete(r.entries, key)
	}
}
