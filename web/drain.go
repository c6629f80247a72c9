package web

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/drain"
	"github.com/confab-chat/confab/pkg/server"
)

// sockets are the requests that are sockets or about to be. Once they are, the server no longer ends them.
type sockets struct {
	env  server.Env
	open sync.WaitGroup

	mu       sync.Mutex
	ends     map[*http.Request]context.CancelCauseFunc
	stopping bool // nobody is let in
}

func newSockets(env server.Env) *sockets {
	return &sockets{env: env, ends: map[*http.Request]context.CancelCauseFunc{}}
}

// track lets sockets in until the drain, and ends their contexts then.
func (s *sockets) track(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isUpgrade(r) {
			next.ServeHTTP(w, r)
			return
		}
		ctx, end := context.WithCancelCause(r.Context())
		defer end(nil)
		if !s.add(r, end) {
			refuse(w, r, drain.ErrStopping, s.env)
			return
		}
		defer s.remove(r)
		next.ServeHTTP(socketWriter{w}, r.WithContext(ctx))
	})
}

func (s *sockets) add(r *http.Request, end context.CancelCauseFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.ends[r] = end
	s.open.Add(1)
	return true
}

func (s *sockets) remove(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ends, r)
	s.open.Done()
}

func (s *sockets) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ends)
}

// drain ends all sockets within the window: first those that come are still let in, then none, and those there are end evenly. It sends no
// close frame, which could land in the middle of a frame that is passed on: clients take the end for a lost connection, and resume.
func (s *sockets) drain(ctx context.Context, window time.Duration) {
	drain.Sockets(ctx, window, s.shut, func(end context.CancelCauseFunc) { end(drain.ErrStopping) })
}

// shut lets nobody in any more, and returns what ends each that is.
func (s *sockets) shut() []context.CancelCauseFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	return slices.Collect(maps.Values(s.ends))
}
