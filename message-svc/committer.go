package message

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/batch"
)

const (
	batchLen      = 128             // drafts committed together
	laneLen       = 1024            // drafts that wait in one conversation
	commitTimeout = 5 * time.Second // a batch's own deadline: its callers come and go
)

var errNoTurn = errors.New("the caller has left before its turn")

// committer sends the writes of each conversation to the repository one batch at a time, so that this process does not race
// against itself for a conversation's next number.
type committer struct {
	repo     Repository
	onCommit func(conversationID string, stored []Outcome) // called in order of n, before the writers are answered

	mu    sync.Mutex
	lanes map[string]*lane // those with a caller
}

type lane struct {
	queue   batch.Queue[*write]
	callers int
}

type write struct {
	ctx     context.Context
	draft   Draft
	outcome Outcome
}

func newCommitter(repo Repository, onCommit func(string, []Outcome)) *committer {
	return &committer{repo: repo, onCommit: onCommit, lanes: map[string]*lane{}}
}

// commit stores the draft and returns its outcome. It returns errBusy where too many wait, errNotStored with the cause where
// nothing is known, and the context's error where that ends before the draft's turn: nothing is stored then.
func (c *committer) commit(ctx context.Context, conversationID string, draft Draft) (Outcome, error) {
	l := c.enter(conversationID)
	defer c.leave(conversationID, l)
	w := &write{ctx: ctx, draft: draft, outcome: Outcome{Err: errors.New("the batch was aborted")}}
	if !l.queue.Do(w, batchLen, laneLen, func(writes []*write) { c.commitBatch(conversationID, writes) }) {
		return Outcome{}, errBusy.After(time.Second)
	}
	if err := w.outcome.Err; errors.Is(err, errNoTurn) {
		return Outcome{}, errors.Join(err, ctx.Err())
	}
	if w.outcome.Err != nil {
		return Outcome{}, errNotStored.After(time.Second).Because(w.outcome.Err)
	}
	return w.outcome, nil
}

func (c *committer) enter(conversationID string) *lane {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[conversationID]
	if l == nil {
		l = &lane{}
		c.lanes[conversationID] = l
	}
	l.callers++
	return l
}

func (c *committer) leave(conversationID string, l *lane) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.callers--; l.callers == 0 {
		delete(c.lanes, conversationID)
	}
}

func (c *committer) commitBatch(conversationID string, writes []*write) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	writes = slices.DeleteFunc(writes, func(w *write) bool {
		if w.ctx.Err() == nil {
			return false
		}
		w.outcome.Err = errNoTurn
		return true
	})
	drafts, place := distinct(writes)
	if len(drafts) == 0 {
		return
	}
	outcomes := c.repo.Append(ctx, conversationID, drafts)
	// What was stored before is told again too: whoever stored it may not have lived to tell.
	stored := slices.DeleteFunc(slices.Clone(outcomes), func(o Outcome) bool { return o.Err != nil })
	slices.SortFunc(stored, func(a, b Outcome) int { return cmp.Compare(a.N, b.N) })
	if len(stored) > 0 {
		c.onCommit(conversationID, stored)
	}
	for i, w := range writes {
		w.outcome = outcomes[place[i]]
	}
}

// distinct returns the drafts with different keys, and for each write the place of its draft: equal keys are one message.
func distinct(writes []*write) (drafts []Draft, place []int) {
	type key struct{ author, clientMsgID string }
	known := make(map[key]int, len(writes))
	for _, w := range writes {
		k := key{w.draft.AuthorID, w.draft.ClientMsgID}
		i, ok := known[k]
		if !ok {
			i = len(drafts)
			known[k] = i
			drafts = append(drafts, w.draft)
		}
		place = append(place, i)
	}
	return drafts, place
}
