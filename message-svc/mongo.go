package message

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/mongokit"
	"github.com/confab-chat/confab/pkg/peer"
)

const mongoDatabase = "confab_messages"

// mongoWrite is a document of the collection: a message, or a change of one with seq = -n.
type mongoWrite struct {
	ID             string     `bson:"_id"`
	ConversationID string     `bson:"conversation_id"`
	N              int64      `bson:"n"`
	Seq            int64      `bson:"seq"`
	Rev            int64      `bson:"rev"`
	Op             Op         `bson:"op"`
	Of             int64      `bson:"of"`
	Applied        bool       `bson:"applied"` // a message always is; a change keeps its body until it is
	AuthorID       string     `bson:"author_id"`
	ClientMsgID    string     `bson:"client_msg_id"`
	Body           string     `bson:"body"`
	CreatedAt      time.Time  `bson:"created_at"`
	EditedAt       *time.Time `bson:"edited_at"`
	DeletedAt      *time.Time `bson:"deleted_at"`
}

func (w mongoWrite) message() chat.Message {
	return chat.Message{
		ID: w.ID, ConversationID: w.ConversationID, Seq: w.Seq, Rev: w.Rev, AuthorID: w.AuthorID, Body: w.Body,
		ClientMsgID: w.ClientMsgID, CreatedAt: chat.TimeOf(w.CreatedAt), EditedAt: chatTime(w.EditedAt), DeletedAt: chatTime(w.DeletedAt),
	}
}

func chatTime(t *time.Time) *chat.Time {
	if t == nil {
		return nil
	}
	c := chat.TimeOf(*t)
	return &c
}

type mongoRepository struct {
	writes *mongo.Collection
	last   *lastNumbers
	close  func() error
}

// OpenMongo connects to the server at uri and makes the indexes. The registerer tells of its connections. It returns an error where
// either fails.
func OpenMongo(ctx context.Context, uri string, registerer prometheus.Registerer) (Repository, error) {
	client, err := mongokit.Connect(ctx, uri, mongokit.WithMetrics(registerer))
	if err != nil {
		return nil, err
	}
	disconnect := func() error { return client.Disconnect(context.Background()) }
	r, err := newMongoRepository(ctx, client.Database(mongoDatabase))
	if err != nil {
		return nil, errors.Join(err, disconnect())
	}
	r.close = disconnect
	return r, nil
}

func newMongoRepository(ctx context.Context, db *mongo.Database) (*mongoRepository, error) {
	coll := db.Collection("messages")
	err := mongokit.EnsureIndexes(ctx, coll, []mongokit.Index{
		{Keys: bson.D{{Key: "conversation_id", Value: 1}, {Key: "n", Value: 1}}, Unique: true},
		{Keys: bson.D{{Key: "conversation_id", Value: 1}, {Key: "seq", Value: 1}}, Unique: true},
		{Keys: bson.D{{Key: "conversation_id", Value: 1}, {Key: "author_id", Value: 1}, {Key: "client_msg_id", Value: 1}}, Unique: true},
	})
	return &mongoRepository{
		writes: mongokit.Majority(coll), last: newLastNumbers(), close: func() error { return nil },
	}, err
}

func (m *mongoRepository) Get(ctx context.Context, messageID string) (chat.Message, error) {
	var w mongoWrite
	err := m.writes.FindOne(ctx, bson.D{{Key: "_id", Value: messageID}}).Decode(&w)
	if errors.Is(err, mongo.ErrNoDocuments) || err == nil && w.Op != OpCreate {
		return chat.Message{}, errNoMessage
	}
	return w.message(), err
}

func (m *mongoRepository) Before(ctx context.Context, conversationID string, beforeSeq, afterSeq int64, limit int) ([]chat.Message, error) {
	if beforeSeq == 0 {
		beforeSeq = maxSeq
	}
	return m.messages(ctx, conversationID, bson.D{{Key: "$gt", Value: afterSeq}, {Key: "$lt", Value: beforeSeq}}, -1, limit)
}

func (m *mongoRepository) After(ctx context.Context, conversationID string, afterSeq int64, limit int) ([]chat.Message, error) {
	return m.messages(ctx, conversationID, bson.D{{Key: "$gt", Value: afterSeq}}, 1, limit)
}

func (m *mongoRepository) messages(ctx context.Context, conversationID string, seq any, order, limit int) ([]chat.Message, error) {
	writes, err := find(ctx, m.writes, bson.D{{Key: "conversation_id", Value: conversationID}, {Key: "seq", Value: seq}},
		bson.D{{Key: "seq", Value: order}}, limit)
	messages := make([]chat.Message, len(writes))
	for i, w := range writes {
		messages[i] = w.message()
	}
	return messages, err
}

func find(ctx context.Context, coll *mongo.Collection, filter, sort bson.D, limit int) ([]mongoWrite, error) {
	cursor, err := coll.Find(ctx, filter, options.Find().SetSort(sort).SetLimit(int64(limit)))
	if err != nil {
		return nil, err
	}
	var writes []mongoWrite
	err = cursor.All(ctx, &writes)
	return writes, err
}

// Feed applies what is not applied yet before it shows it.
func (m *mongoRepository) Feed(ctx context.Context, conversationID string, afterRev int64, limit int) ([]chat.Event, error) {
	writes, err := find(ctx, m.writes,
		bson.D{{Key: "conversation_id", Value: conversationID}, {Key: "n", Value: bson.D{{Key: "$gt", Value: afterRev}}}},
		bson.D{{Key: "n", Value: 1}}, limit)
	if err != nil {
		return nil, err
	}
	changed, err := m.changedMessages(ctx, conversationID, writes)
	if err != nil {
		return nil, err
	}
	events := make([]chat.Event, len(writes))
	for i, w := range writes {
		message := w.message()
		if w.Op != OpCreate {
			message = changed[w.Of]
			if message.ID == "" {
				return nil, fmt.Errorf("conversation %s: change %d is of message %d, which is not there", conversationID, w.N, w.Of)
			}
		}
		events[i] = Outcome{Op: w.Op, N: w.N, Message: message}.Event()
	}
	return events, nil
}

// changedMessages returns the messages, by seq, that the changes among writes are about.
func (m *mongoRepository) changedMessages(ctx context.Context, conversationID string, writes []mongoWrite) (map[int64]chat.Message, error) {
	var seqs []int64
	for _, w := range writes {
		if w.Op == OpCreate {
			continue
		}
		if !w.Applied {
			if _, err := m.apply(ctx, w); err != nil {
				return nil, err
			}
		}
		seqs = append(seqs, w.Of)
	}
	messages := make(map[int64]chat.Message, len(seqs))
	if len(seqs) == 0 {
		return messages, nil
	}
	found, err := find(ctx, m.writes,
		bson.D{{Key: "conversation_id", Value: conversationID}, {Key: "seq", Value: bson.D{{Key: "$in", Value: seqs}}}},
		bson.D{{Key: "seq", Value: 1}}, len(seqs))
	for _, w := range found {
		messages[w.Seq] = w.message()
	}
	return messages, err
}

// Last reads the messages first: the rev that it then finds is not below theirs.
func (m *mongoRepository) Last(ctx context.Context, conversationID string) (peer.Last, error) {
	newest, err := m.Before(ctx, conversationID, 0, 0, 1)
	if err != nil || len(newest) == 0 {
		return peer.Last{}, err
	}
	writes, err := find(ctx, m.writes, bson.D{{Key: "conversation_id", Value: conversationID}}, bson.D{{Key: "n", Value: -1}}, 1)
	if err != nil || len(writes) == 0 {
		return peer.Last{}, err
	}
	return peer.Last{Seq: newest[0].Seq, Rev: writes[0].N, Newest: &newest[0]}, nil
}

func (m *mongoRepository) Ping(ctx context.Context) error {
	return m.writes.Database().Client().Ping(ctx, nil)
}

func (m *mongoRepository) Close() error { return m.close() }
