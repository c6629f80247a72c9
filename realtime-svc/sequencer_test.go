package realtime

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
)

func event(rev int64) chat.Event {
	return chat.Event{Type: chat.MessageCreated, ConversationID: "c", Rev: rev, Message: &chat.Message{ID: "m", Seq: rev, Rev: rev}}
}

// Whatever order the events come in, however often, and whenever the position becomes known: each passes once, in order.
func TestTheSequencerPassesEachEventOnceInOrder(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		n, start := random.Int64N(60)+1, random.Int64N(20)
		var came []int64
		for rev := int64(1); rev <= n+start; rev++ {
			for range 1 + random.IntN(3) {
				came = append(came, rev)
			}
		}
		random.Shuffle(len(came), func(i, j int) { came[i], came[j] = came[j], came[i] })
		var q sequencer
		var passed []int64
		note := func(events []chat.Event) {
			for _, e := range events {
				passed = append(passed, e.Rev)
			}
		}
		placeAt := random.IntN(len(came))
		for i, rev := range came {
			if i == placeAt {
				note(q.place(start))
			}
			note(q.add(event(rev)))
		}
		var want []int64
		for rev := start + 1; rev <= n+start; rev++ {
			want = append(want, rev)
		}
		if !slices.Equal(passed, want) || q.gap() || len(q.waiting) > 0 {
			t.Fatalf("seed %d: passed %v, want %v; %d wait", seed, passed, want, len(q.waiting))
		}
	}
}

func TestTheSequencerKnowsOfAGap(t *testing.T) {
	var q sequencer
	q.add(event(7))
	if q.gap() {
		t.Error("a gap before the position is known")
	}
	q.place(5)
	if !q.gap() {
		t.Error("no gap between 5 and 7")
	}
	if passed := q.add(event(6)); len(passed) != 2 || q.gap() {
		t.Errorf("passed %v", passed)
	}
	q.note(9)
	if !q.gap() {
		t.Error("no gap below a rev that is known to exist")
	}
}

func TestTheSequencerHoldsABoundedNumberOfEvents(t *testing.T) {
	var q sequencer
	q.place(0)
	for rev := int64(2); rev < 3*maxWaiting; rev++ {
		q.add(event(rev))
	}
	if len(q.waiting) != maxWaiting {
		t.Errorf("%d events wait, want %d", len(q.waiting), maxWaiting)
	}
	if passed := q.add(event(1)); int64(len(passed)) != maxWaiting+1 || !q.gap() {
		t.Errorf("%d events passed, want %d and a gap", len(passed), maxWaiting+1)
	}
}
