package realtime

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

// silent is a broker whose log does not answer.
type silent struct {
	broker.Broker
	asked int
}

func (s *silent) Log(ctx context.Context, _ string, _ int64) ([]chat.Event, error) {
	s.asked++
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestALogThatDoesNotAnswerIsWaitedForOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, broker.NewMemory())
		w.create("c", "ada")
		w.say("c", "ada", 1)
		b := &silent{Broker: w.broker}
		h := newHistory(b, &peer.Peers{Messages: w})
		fetch := func(ctx context.Context) (time.Duration, string) {
			begin := time.Now()
			_, source, err := h.next(ctx, "c", 0, 1)
			if err != nil && ctx.Err() == nil {
				t.Fatal(err)
			}
			return time.Since(begin), source
		}
		gone, leave := context.WithTimeout(t.Context(), logWait/2)
		defer leave()
		fetch(gone) // it was the caller who left: that says nothing of the log
		if took, source := fetch(t.Context()); took != logWait || source != fromMessages {
			t.Errorf("the first took %v and came from %s", took, source)
		}
		if took, _ := fetch(t.Context()); took != 0 {
			t.Errorf("the second took %v", took)
		}
		time.Sleep(logRest)
		var other time.Duration
		var group sync.WaitGroup
		group.Go(func() {
			synctest.Wait() // until the other one asks
			other, _ = fetch(t.Context())
		})
		if took, _ := fetch(t.Context()); took != logWait || b.asked != 3 {
			t.Errorf("a second later it took %v, and the log was asked %d times", took, b.asked)
		}
		if group.Wait(); other != 0 {
			t.Errorf("another one waited %v then", other)
		}
	})
}
