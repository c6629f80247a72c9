package message

import (
	"context"
	"time"

	"github.com/confab-chat/confab/pkg/pause"
)

// A replica that has stored a batch knows the next numbers, and another one has to look for them: without a pause the one that won the
// last race wins the next one too, until the other's writers have waited in vain. So who has stored a run of batches gives way once.
const (
	longestRun = 16                     // batches
	maxGiveWay = 100 * time.Millisecond // a batch that took longer was held up by something else
)

// run is a row of batches of one conversation, each begun within the time of the one before.
type run struct {
	batches int
	took    time.Duration // the last batch
	ended   time.Time
}

func (r run) goesOn(now time.Time) bool { return now.Sub(r.ended) < r.took }

// giveWay ends a long run that would go on: it pauses for as long as another replica needs to look and to store, and then looks, too.
func (l *lastNumbers) giveWay(ctx context.Context, conversationID string) {
	l.mu.Lock()
	r := l.of[conversationID].run
	l.mu.Unlock()
	if r.batches < longestRun || !r.goesOn(time.Now()) {
		return
	}
	pause.For(ctx, min(2*r.took, maxGiveWay))
	l.forget(conversationID)
}

// stored counts a batch towards its conversation's run.
func (l *lastNumbers) stored(conversationID string, begun time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, ok := l.of[conversationID]
	if !ok {
		return
	}
	if !last.run.goesOn(begun) {
		last.run.batches = 0
	}
	last.run = run{batches: last.run.batches + 1, took: time.Since(begun), ended: time.Now()}
	l.of[conversationID] = last
}
