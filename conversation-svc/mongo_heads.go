package conversation

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/mongokit"
	"github.com/confab-chat/confab/pkg/peer"
)

const raisesAtOnce = 16 // of one request

func (m *mongoRepository) MarkRead(ctx context.Context, conversationID, userID string, seq int64) error {
	return m.upsert(ctx, conversationID, userID, memberUpdate(conversationID, userID, bson.D{{Key: "read_seq", Value: seq}}))
}

func (m *mongoRepository) Clear(ctx context.Context, conversationID, userID string, seq int64) error {
	return m.upsert(ctx, conversationID, userID, memberUpdate(conversationID, userID, bson.D{
		{Key: "from_seq", Value: seq}, {Key: "read_seq", Value: seq}, {Key: "cleared_seq", Value: seq},
	}))
}

// memberUpdate moves fields of a member's document forward, never back, and sets others. A new document gets the rest too.
func memberUpdate(conversationID, userID string, forward bson.D, set ...bson.E) bson.D {
	rest := bson.D{{Key: "conversation_id", Value: conversationID}, {Key: "user_id", Value: userID}}
	for _, field := range []bson.E{{Key: "from_seq", Value: int64(0)}, {Key: "read_seq", Value: int64(0)}, neverCleared} {
		if !has(forward, field.Key) && !has(set, field.Key) {
			rest = append(rest, field)
		}
	}
	update := bson.D{{Key: "$max", Value: forward}, {Key: "$setOnInsert", Value: rest}}
	if len(set) > 0 {
		update = append(update, bson.E{Key: "$set", Value: bson.D(set)})
	}
	return update
}

var neverCleared = bson.E{Key: "cleared_seq", Value: int64(NotCleared)}

// upsert updates a member's document, which is made where she has none.
func (m *mongoRepository) upsert(ctx context.Context, conversationID, userID string, update bson.D) error {
	write := func() error {
		_, err := m.members.UpdateByID(ctx, memberID(conversationID, userID), update, options.UpdateOne().SetUpsert(true))
		return err
	}
	err := write()
	if mongokit.IsDuplicate(err) { // another made it in the same moment
		return write()
	}
	return err
}

func (m *mongoRepository) RaiseHeads(ctx context.Context, raises []peer.Raise) ([]Raised, error) {
	raised, errs := make([]Raised, len(raises)), make([]error, len(raises))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(raisesAtOnce, len(raises)) {
		workers.Go(func() {
			for i := range next {
				raised[i], errs[i] = m.raiseHead(ctx, &raises[i])
			}
		})
	}
	for i := range raises {
		next <- i
	}
	close(next)
	workers.Wait()
	return raised, errors.Join(errs...)
}

// raiseHead moves the head, and then its authors: where that fails the raise comes again, and finds the head moved.
func (m *mongoRepository) raiseHead(ctx context.Context, r *peer.Raise) (Raised, error) {
	doc, moved, err := m.moveHead(ctx, r)
	if err == nil && !moved {
		doc, err = m.newest(ctx, bson.D{{Key: "_id", Value: r.ConversationID}}, lessParticipants)
	}
	if errors.Is(err, errNotFound) {
		return Raised{}, nil
	}
	if err != nil {
		return Raised{}, err
	}
	answer := Raised{Moved: moved, RaisedHead: peer.RaisedHead{HeadSeq: doc.Head.Seq, Members: doc.Members}}
	if doc.Head.Seq < r.FromSeq-1 {
		return answer, nil
	}
	for userID, seq := range authorsOf(r) {
		if err := m.MarkRead(ctx, doc.ID, userID, seq); err != nil {
			return answer, err
		}
	}
	return answer, nil
}

// moveHead tries the one change that the raise is likely to be, then the other.
func (m *mongoRepository) moveHead(ctx context.Context, r *peer.Raise) (doc conversationDoc, moved bool, err error) {
	newest := bson.E{Key: "$set", Value: bson.D{{Key: "head", Value: newHeadDoc(&r.Newest)}}}
	if r.Newest.Seq >= r.FromSeq {
		moved, err = m.modify(ctx, bson.D{
			{Key: "_id", Value: r.ConversationID},
			{Key: "head.seq", Value: bson.D{{Key: "$gte", Value: r.FromSeq - 1}, {Key: "$lt", Value: r.Newest.Seq}}},
		}, bson.D{newest, {Key: "$max", Value: bson.D{{Key: "last_activity", Value: r.Newest.At.Time}}}}, &doc)
		if moved || err != nil {
			return doc, moved, err
		}
	}
	moved, err = m.modify(ctx, bson.D{
		{Key: "_id", Value: r.ConversationID},
		{Key: "head.seq", Value: r.Newest.Seq},
		{Key: "head.rev", Value: bson.D{{Key: "$lt", Value: r.Newest.Rev}}},
	}, bson.D{newest}, &doc)
	return doc, moved, err
}

func has(fields bson.D, key string) bool {
	return slices.ContainsFunc(fields, func(field bson.E) bool { return field.Key == key })
}
