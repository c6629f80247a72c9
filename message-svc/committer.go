package message

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/batch"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/tracing"
)

const (
	batchLen      = 128             // drafts committed together
	laneLen       = 1024            // drafts that wait in one conversation
	commitTimeout = 4 * time.Second // a batch's own deadline: its callers come and go, and other services wait for 5 s
)

// committer sends the writes of each conversation to the repository one batch at a time, so that this process does not race
// against itself for a conversation's next number.
type committer struct {
	repo     Repository
	onCommit func(conversationID string, stored []Outcome) // called in order of n, before the writers are answered

	mu    sync.Mutex
	lanes map[string]*lane // those with a write
}

type lane struct {
	queue  batch.Queue[*write]
	writes int // that wait or are under way
}

type write struct {
	ctx     context.Context
	draft   Draft
	outcome Outcome
}

func newCommitter(repo Repository, onCommit func(string, []Outcome)) *committer {
	return &committer{repo: repo, onCommit: onCommit, lanes: map[string]*lane{}}
}

// commit stores the draft and returns its outcome. It returns errBusy where too many wait, the context's error where the caller has left,
// and errNotStored with the cause where nothing is known in time.
func (c *committer) commit(ctx context.Context, conversationID string, draft Draft) (Outcome, error) {
	ctx, span := tracing.Start(ctx, "commit")
	defer span.End()
	l := c.enter(conversationID)
	w := &write{ctx: ctx, draft: draft, outcome: Outcome{Err: errors.New("the batch was aborted")}}
	err := l.queue.Do(ctx, w, batchLen, laneLen, func(writes []*write) { c.commitBatch(conversationID, l, writes) })
	if err == nil {
		err = w.outcome.Err
	}
	if err != nil {
		tracing.Fail(span, fault.From(err))
	}
	switch {
	case err == nil:
		return w.outcome, nil
	case errors.Is(err, batch.ErrFull):
		c.leave(conversationID, l, 1)
		return Outcome{}, errBusy.After(time.Second)
	case errors.Is(err, context.Canceled):
		return Outcome{}, err
	default:
		return Outcome{}, errNotStored.After(time.Second).Because(err)
	}
}

func (c *committer) enter(conversationID string) *lane {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[conversationID]
	if l == nil {
		l = &lane{}
		c.lanes[conversationID] = l
	}
	l.writes++
	return l
}

// leave ends a lane in which nothing is left.
func (c *committer) leave(conversationID string, l *lane, writes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.writes -= writes; l.writes == 0 {
		delete(c.lanes, conversationID)
	}
}

func (c *committer) commitBatch(conversationID string, l *lane, writes []*write) {
	defer c.leave(conversationID, l, len(writes))
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	writes = slices.DeleteFunc(writes, func(w *write) bool {
		err := w.ctx.Err()
		if err != nil {
			w.outcome.Err = err
		}
		return err != nil
	})
	drafts, place := distinct(writes)
	if len(drafts) == 0 {
		return
	}
	outcomes := c.repo.Append(ctx, conversationID, drafts)
	for i, w := range writes {
		if trace := tracing.Parent(w.ctx); trace != "" {
			outcomes[place[i]].Trace = trace
		}
	}
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
