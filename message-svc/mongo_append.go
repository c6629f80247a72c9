package message

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/confab-chat/confab/pkg/mongokit"
)

const (
	firstBackoff = 2 * time.Millisecond
	maxBackoff   = 100 * time.Millisecond
)

// mongoAppend is an Append under way. Numbers are provisional until the insert that bears them is confirmed: another
// replica may take them first, which shows as a duplicate key.
type mongoAppend struct {
	*mongoRepository
	conversationID string
	outcomes       []Outcome
	open           []int // places of the drafts without an outcome, in their order
	drafts         []Draft
	backoff        time.Duration
}

func (m *mongoRepository) Append(ctx context.Context, conversationID string, drafts []Draft) []Outcome {
	a := &mongoAppend{mongoRepository: m, conversationID: conversationID, drafts: drafts, outcomes: make([]Outcome, len(drafts)), backoff: firstBackoff}
	for i := range drafts {
		a.open = append(a.open, i)
	}
	m.last.giveWay(ctx, conversationID)
	begun := time.Now()
	for len(a.open) > 0 {
		if err := a.step(ctx); err != nil {
			m.last.forget(conversationID)
			if err := a.wait(ctx, err); err != nil {
				a.fail(err)
			}
		}
	}
	m.last.stored(conversationID, begun)
	return a.outcomes
}

// step inserts what is open up to the first change, and applies that one. An error is nil where it got on.
func (a *mongoAppend) step(ctx context.Context) error {
	_, remembered := a.last.get(a.conversationID)
	last, err := a.lastNumbers(ctx, a.conversationID)
	if err != nil {
		return err
	}
	writes := a.number(last)
	docs := make([]any, len(writes))
	for i, w := range writes {
		docs[i] = w
	}
	result, insertErr := mongokit.InsertOrdered(ctx, a.writes, docs)
	for _, w := range writes[:result.Stored] {
		o, err := a.outcome(ctx, w)
		if err != nil {
			return err
		}
		a.settle(0, o)
		last = last.after(w)
	}
	a.last.remember(a.conversationID, last)
	switch result.Verdict {
	case mongokit.AllStored:
		a.backoff = firstBackoff
		return nil
	case mongokit.Duplicate:
		a.backoff = firstBackoff // another replica was faster: that is no reason to wait longer
		// Of remembered numbers it is most likely one, and not a draft's key: with fresh ones the next step tells.
		if remembered {
			a.last.forget(a.conversationID)
			return nil
		}
	default:
		a.last.forget(a.conversationID)
	}
	return a.lookUp(ctx, len(writes)-result.Stored, insertErr)
}

// number gives the next numbers to the open drafts, up to and with the first change.
func (a *mongoAppend) number(last numbers) []mongoWrite {
	var writes []mongoWrite
	for _, i := range a.open {
		d := a.drafts[i]
		last.n++
		w := mongoWrite{
			ID: d.ID, ConversationID: a.conversationID, N: last.n, Seq: -last.n, Rev: last.n, Op: d.Op, Of: d.Of,
			AuthorID: d.AuthorID, ClientMsgID: d.ClientMsgID, Body: d.Body, CreatedAt: d.At.Time,
		}
		if d.Op == OpCreate {
			last.seq++
			w.Seq, w.Applied = last.seq, true
		}
		writes = append(writes, w)
		if d.Op != OpCreate {
			break
		}
	}
	return writes
}

// outcome is what the stored write w means; a change is applied first.
func (a *mongoAppend) outcome(ctx context.Context, w mongoWrite) (Outcome, error) {
	message := w
	if w.Op != OpCreate {
		var err error
		if message, err = a.apply(ctx, w); err != nil {
			return Outcome{}, err
		}
	}
	return Outcome{ID: w.ID, Op: w.Op, N: w.N, Message: message.message()}, nil
}

// lookUp asks for the first count open drafts by their keys, all at once, and settles those that are stored. It returns cause where none is.
func (a *mongoAppend) lookUp(ctx context.Context, count int, cause error) error {
	keys := make(bson.A, count)
	for i, place := range a.open[:count] {
		d := a.drafts[place]
		keys[i] = bson.D{{Key: "conversation_id", Value: a.conversationID},
			{Key: "author_id", Value: d.AuthorID}, {Key: "client_msg_id", Value: d.ClientMsgID}}
	}
	stored, err := find(ctx, a.writes, bson.D{{Key: "$or", Value: keys}}, bson.D{}, count) // sorted here: a sort by n would not use the index of keys
	if err != nil {
		return errors.Join(cause, err)
	}
	slices.SortFunc(stored, func(a, b mongoWrite) int { return cmp.Compare(a.N, b.N) })
	for _, w := range stored {
		o, err := a.outcome(ctx, w)
		if err != nil {
			return errors.Join(cause, err)
		}
		a.settle(a.placeOf(w), o)
		cause = nil
	}
	return cause
}

// placeOf returns the place of the open draft that w stores.
func (a *mongoAppend) placeOf(w mongoWrite) int {
	return slices.IndexFunc(a.open, func(place int) bool {
		return a.drafts[place].AuthorID == w.AuthorID && a.drafts[place].ClientMsgID == w.ClientMsgID
	})
}

func (a *mongoAppend) settle(place int, o Outcome) {
	a.outcomes[a.open[place]] = o
	a.open = append(a.open[:place:place], a.open[place+1:]...)
}

// wait pauses after an error, longer each time, with jitter. It returns cause where the context ends.
func (a *mongoAppend) wait(ctx context.Context, cause error) error {
	pause := a.backoff/2 + rand.N(a.backoff)
	a.backoff = min(2*a.backoff, maxBackoff)
	select {
	case <-ctx.Done():
		return errors.Join(cause, ctx.Err())
	case <-time.After(pause):
		return nil
	}
}

func (a *mongoAppend) fail(err error) {
	for _, i := range a.open {
		a.outcomes[i] = Outcome{Err: fmt.Errorf("not stored before the deadline: %w", err)}
	}
	a.open = nil
}
