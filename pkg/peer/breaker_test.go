package peer_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

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

func TestCallersThatLeaveDoNotMakeAServiceSeemAway(t *testing.T) {
	asked, end := make(chan struct{}, 100), make(chan struct{})
	s := listen(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-end
	}))
	defer close(end)
	messages := peer.NewMessages(s.URL, keys)
	for range 20 {
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = messages.Last(ctx, peer.LastRequest{})
		}()
		select {
		case <-asked:
		case <-time.After(5 * time.Second):
			t.Fatal("a call does not reach it")
		}
		leave()
		<-ended
	}
}
