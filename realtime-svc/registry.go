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
}

func newRegistry[T topic](create func(key string) T) *registry[T] {
	return &registry[T]{create: create, entries: map[string]*entry[T]{}}
}

// acquire returns the key's topic, open. It returns the error of open. Each success needs one release.
func (r *registry[T]) acquire(ctx context.Context, key string) (T, error) {
	e := r.ref(key)
	e.lock.Lock()
	defer e.lock.Unlock()
	if !e.open {
		t := r.create(key)
		r.set(e, t, true)
		if err := t.open(ctx); err != nil {
			t.close()
			r.unref(e)
			r.forget(key, e)
			var none T
			return none, err
		}
		e.open = true
	}
	return e.topic, nil
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

func (r *registry[T]) ref(key string) *entry[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[key]
	if e == nil {
		e = &entry[T]{}
		r.entries[key] = e
	}
	e.refs++
	return e
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
