package message

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// apply brings a change to its message and returns that as it is now. Applying a change again, or beside another replica
// that does, has no effect: rev says what the message has seen, and a tombstone takes the rev alone.
func (m *mongoRepository) apply(ctx context.Context, change mongoWrite) (mongoWrite, error) {
	if change.Applied {
		return m.bySeq(ctx, change.ConversationID, change.Of)
	}
	set := bson.D{{Key: "rev", Value: change.N}, {Key: "body", Value: change.Body}, {Key: "edited_at", Value: change.CreatedAt}}
	if change.Op == OpDelete {
		set = bson.D{{Key: "rev", Value: change.N}, {Key: "body", Value: ""}, {Key: "deleted_at", Value: change.CreatedAt}}
	}
	older := bson.D{{Key: "conversation_id", Value: change.ConversationID}, {Key: "seq", Value: change.Of},
		{Key: "rev", Value: bson.D{{Key: "$lt", Value: change.N}}}}
	alive := slices.Concat(older, bson.D{{Key: "deleted_at", Value: nil}})

	message, err := m.update(ctx, alive, set)
	if errors.Is(err, mongo.ErrNoDocuments) {
		message, err = m.update(ctx, older, set[:1])
	}
	if errors.Is(err, mongo.ErrNoDocuments) {
		message, err = m.bySeq(ctx, change.ConversationID, change.Of)
	}
	if err != nil {
		return mongoWrite{}, err
	}
	_, err = m.writes.UpdateOne(ctx, bson.D{{Key: "_id", Value: change.ID}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "applied", Value: true}, {Key: "body", Value: ""}}}})
	return message, err
}

func (m *mongoRepository) update(ctx context.Context, filter, set bson.D) (mongoWrite, error) {
	var w mongoWrite
	err := m.writes.FindOneAndUpdate(ctx, filter, bson.D{{Key: "$set", Value: set}},
		options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&w)
	return w, err
}

func (m *mongoRepository) bySeq(ctx context.Context, conversationID string, seq int64) (mongoWrite, error) {
	var w mongoWrite
	err := m.writes.FindOne(ctx, bson.D{{Key: "conversation_id", Value: conversationID}, {Key: "seq", Value: seq}}).Decode(&w)
	return w, err
}
