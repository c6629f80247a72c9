package messagetest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/chat"
)

const (
	senders     = 64
	sendsEach   = 4
	changesEach = 2
	allEvents   = senders * (sendsEach + changesEach)
)

// staleHandle has the first handle write what the second one does not know of when it writes.
func staleHandle(t *testing.T, open Open) {
	first, second := open(t), open(t)
	send(t, first, "c", draft("ann", "one"))
	send(t, second, "c", draft("bob", "two"))
	send(t, first, "c", change(message.OpEdit, 1, "edited"), change(message.OpEdit, 1, "edited again"))
	o := send(t, second, "c", draft("bob", "three"), change(message.OpEdit, 1, "edited last"))
	if o[0].N != 5 || o[0].Message.Seq != 3 || o[1].N != 6 {
		t.Fatalf("the stale handle's outcomes are %+v", o)
	}
	send(t, first, "c", change(message.OpDelete, 3, ""))
	for _, r := range []message.Repository{first, second} {
		requireDense(t, r, "c", 7)
	}
	requireBodies(t, "history", "edited last two ")(first.After(t.Context(), "c", 0, 10))
}

// hammer writes from many callers through two handles, which race for each number.
func hammer(t *testing.T, open Open) {
	handles := []message.Repository{open(t), open(t)}
	acknowledged := write(t, handles)
	for _, r := range handles {
		requireDense(t, r, "c", allEvents)
	}
	history, err := handles[1].After(t.Context(), "c", 0, everything)
	if err != nil || len(history) != senders*sendsEach {
		t.Fatalf("%d messages, %v; want %d", len(history), err, senders*sendsEach)
	}
	for _, o := range acknowledged {
		m := history[o.Message.Seq-1]
		if m.ID != o.Message.ID || m.Rev < o.Message.Rev {
			t.Fatalf("acknowledged was %+v, history has %+v", o.Message, m)
		}
	}
}

// write has every sender send, then edit or delete. A handle takes one Append at a time, as from a committer.
func write(t *testing.T, handles []message.Repository) []message.Outcome {
	var mu sync.Mutex
	var acknowledged []message.Outcome
	locks := make([]sync.Mutex, len(handles))
	appendAll := func(s int, drafts ...message.Draft) []message.Outcome {
		h := s % len(handles)
		locks[h].Lock()
		defer locks[h].Unlock()
		return handles[h].Append(t.Context(), "c", drafts)
	}
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			var mine []message.Draft
			for i := range sendsEach {
				mine = append(mine, draft(fmt.Sprint("user", s), fmt.Sprint(s, "-", i)))
			}
			outcomes := appendAll(s, mine...)
			for i := range changesEach {
				op := message.OpEdit
				if rand.N(4) == 0 {
					op = message.OpDelete
				}
				outcomes = append(outcomes, appendAll(s, change(op, outcomes[i].Message.Seq, "changed"))...)
			}
			mu.Lock()
			defer mu.Unlock()
			acknowledged = append(acknowledged, outcomes...)
		})
	}
	group.Wait()
	for _, o := range acknowledged {
		if o.Err != nil {
			t.Errorf("append: %v", o.Err)
		}
	}
	return acknowledged
}

func follow(t *testing.T, open Open) {
	reader, handles := open(t), []message.Repository{open(t), open(t)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		write(t, handles)
	}()
	seen := map[int64]chat.Message{} // by seq, as a client holds them
	for rev := int64(0); rev < allEvents; {
		written := isClosed(done)
		events, err := reader.Feed(t.Context(), "c", rev, 50)
		if err != nil {
			t.Fatal(err)
		}
		if written && len(events) == 0 {
			t.Fatalf("the feed ends at %d, all writes are done", rev)
		}
		for _, e := range events {
			if e.Rev > rev+1 {
				break // a scan under way may pass over n: the rest comes with the next page
			}
			rev = e.Rev
			if e.Message.Rev > seen[e.Message.Seq].Rev {
				seen[e.Message.Seq] = *e.Message
			}
		}
	}
	<-done
	history, err := reader.After(t.Context(), "c", 0, everything)
	if err != nil || len(history) != len(seen) {
		t.Fatalf("%d messages in history, %d seen, %v", len(history), len(seen), err)
	}
	for _, m := range history {
		if !same(m, seen[m.Seq]) {
			t.Fatalf("the reader holds %+v, history %+v", seen[m.Seq], m)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
