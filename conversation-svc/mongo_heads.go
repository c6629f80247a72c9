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
	return m.forward(ctx, conversationID, userID, bson.D{{Key: "read_seq", Value: seq}})
}

// Clear takes the version after the history has moved: whoever sees the version sees what it is for.
func (m *mongoRepository) Clear(ctx context.Context, conversationID, userID string, seq int64) (int64, error) {
	err := m.forward(ctx, conversationID, userID, bson.D{
		{Key: "from_seq", Value: seq}, {Key: "read_seq", Value: seq}, {Key: "cleared_seq", Value: seq},
	})
	if err != nil {
		return 0, err
	}
	var after conversationDoc
	filter := bson.D{{Key: "_id", Value: conversationID}, {Key: "participants", Value: userID}}
	done, err := m.modify(ctx, filter, counted(0), &after)
	if err == nil && !done {
		err = errNotFound
	}
	return after.Version, err
}

var neverCleared = bson.E{Key: "cleared_seq", Value: int64(NotCleared)}

// forward moves fields of a member's document up, never back. It is made, with the rest of its fields, where she has none.
func (m *mongoRepository) forward(ctx context.Context, conversationID, userID string, fields bson.D) error {
	rest := bson.D{{Key: "conversation_id", Value: conversationID}, {Key: "user_id", Value: userID}}
	for _, field := range []bson.E{{Key: "from_seq", Value: int64(0)}, {Key: "read_seq", Value: int64(0)}, neverCleared} {
		if !has(fields, field.Key) {
			rest = append(rest, field)
		}
	}
	update := bson.D{{Key: "$max", Value: fields}, {Key: "$setOnInsert", Value: rest}}
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
	doc, moved, err := m.moveOrLook(ctx, r)
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

// moveOrLook moves the head, or returns the one that is in the way: behind the raise, or not below it.
func (m *mongoRepository) moveOrLook(ctx context.Context, r *peer.Raise) (doc conversationDoc, moved bool, err error) {
	for {
		doc, moved, err = m.moveHead(ctx, r)
		if moved || err != nil {
			return doc, moved, err
		}
		doc, err = m.newest(ctx, bson.D{{Key: "_id", Value: r.ConversationID}}, lessParticipants)
		if err != nil || doc.Head.Seq < r.FromSeq-1 || !doc.Head.below(&r.Newest) {
			return doc, false, err
		}
		// Another replica told of the messages before, between the try and the look: now it can move.
	}
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
