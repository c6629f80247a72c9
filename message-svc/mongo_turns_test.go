package message_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
)

// Two replicas write to one conversation without a pause, as their lanes do while many send.
func TestNeitherOfTwoReplicasStarvesTheOther(t *testing.T) {
	const rounds, most = 5, 2 // a quarter of a second each, in which the machine may do something else for a moment
	var unfair []string
	for range rounds {
		if what := starve(t); what != "" {
			unfair = append(unfair, what)
		}
	}
	if len(unfair) > most {
		t.Errorf("in %d of %d rounds: %q", len(unfair), rounds, unfair)
	}
}

// starve returns how one of two replicas was through long before the other, empty where none was.
func starve(t *testing.T) string {
	t.Helper()
	const batches = 60
	db := mongotest.Database(t)
	var replicas [2]message.Repository
	for i := range replicas {
		r, err := message.NewMongoRepository(t.Context(), mongotest.Again(t, db))
		if err != nil {
			t.Fatal(err)
		}
		replicas[i] = r
	}
	begin := time.Now()
	var took [2]time.Duration
	var slowest [2]time.Duration
	var group sync.WaitGroup
	for i, r := range replicas {
		group.Go(func() {
			for n := range batches {
				start := time.Now()
				for _, o := range r.Append(t.Context(), "c", []message.Draft{newDraft(message.OpCreate, 0, fmt.Sprint("r", i, "-", n))}) {
					if o.Err != nil {
						t.Error(o.Err)
					}
				}
				slowest[i] = max(slowest[i], time.Since(start))
			}
			took[i] = time.Since(begin)
		})
	}
	group.Wait()
	if first, last := min(took[0], took[1]), max(took[0], took[1]); first < last*2/3 {
		return fmt.Sprintf("one was through after %v, the other after %v, and waited for up to %v for a single batch", first, last, max(slowest[0], slowest[1]))
	}
	return ""
}
