package peer_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/peer"
)

func TestAServiceThatDoesNotAnswerIsLeftAloneForAWhile(t *testing.T) {
	var asked atomic.Int64
	var works atomic.Bool
	s := listen(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if !works.Load() {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		_, _ = w.Write([]byte(`{"items":[]}`))
	}))
	messages := peer.NewMessages(s.URL, keys)
	start := time.Now()
	for range 100 {
		_, err := messages.Last(t.Context(), peer.LastRequest{})
		requireFault(t, err, unavailable)
	}
	if n := asked.Load(); n < 8 || n > 8+2*int64(time.Since(start)/time.Second+1) {
		t.Errorf("of 100 calls %d reached it, want 8 and one a second", n)
	}
	works.Store(true)
	for deadline := start.Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := messages.Last(t.Context(), peer.LastRequest{}); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it works again, and is asked no more")
		}
	}
}

// The service is told how long its caller waits, so that it says itself that it is slow.
func TestASlowServiceDoesNotSeemAway(t *testing.T) {
	const wait = time.Second
	var slow atomic.Bool
	slow.Store(true)
	s := callee(t, func(ctx context.Context, _ peer.LastRequest) (peer.Lasts, error) {
		if !slow.Load() {
			return peer.Lasts{}, nil
		}
		<-ctx.Done()
		return peer.Lasts{}, ctx.Err()
	})
	messages := peer.NewMessages(s.URL, keys)
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	var group sync.WaitGroup
	for range 30 {
		group.Go(func() {
			if _, err := messages.Last(ctx, peer.LastRequest{}); fault.From(err).Code != "timeout" {
				t.Errorf("a slow call: %v", err)
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		t.Error("the service did not answer in time")
	}
	slow.Store(false)
	if _, err := messages.Last(t.Context(), peer.LastRequest{}); err != nil {
		t.Errorf("it is fast again: %v", err)
	}
}

func TestCallersThatLeaveDoNotMakeAServiceSeemAway(t *testing.T) {
	s := startUnsteady(t)
	for range 20 {
		s.callAndLeave(t)
	}
}

func TestCallersThatLeaveDoNotMakeAServiceSeemThere(t *testing.T) {
	s := startUnsteady(t)
	s.breaks.Store(true)
	for range 7 {
		_, err := s.messages.Last(t.Context(), peer.LastRequest{})
		requireFault(t, err, unavailable)
	}
	s.breaks.Store(false)
	s.callAndLeave(t)
	s.breaks.Store(true)
	_, err := s.messages.Last(t.Context(), peer.LastRequest{})
	requireFault(t, err, unavailable)
	before := len(s.asked)
	if _, err = s.messages.Last(t.Context(), peer.LastRequest{}); len(s.asked) != before {
		t.Error("it is asked again at once after its eighth failure")
	}
	requireFault(t, err, unavailable)
}

// unsteady is a service that does not answer.
type unsteady struct {
	messages peer.Messages
	asked    chan struct{}
	breaks   atomic.Bool // its connections; else it lets its callers wait
}

func startUnsteady(t *testing.T) *unsteady {
	t.Helper()
	u, end := &unsteady{asked: make(chan struct{}, 100)}, make(chan struct{})
	s := listen(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		u.asked <- struct{}{}
		if u.breaks.Load() {
			panic(http.ErrAbortHandler)
		}
		<-end
	}))
	t.Cleanup(func() { close(end) })
	u.messages = peer.NewMessages(s.URL, keys)
	return u
}

func (u *unsteady) callAndLeave(t *testing.T) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	ended, before := make(chan struct{}), len(u.asked)
	go func() {
		defer close(ended)
		_, _ = u.messages.Last(ctx, peer.LastRequest{})
	}()
	for deadline := time.Now().Add(5 * time.Second); len(u.asked) == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the call does not reach it")
		}
	}
	leave()
	<-ended
}
