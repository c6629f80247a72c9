package conversation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/mongokit"
	"github.com/confab-chat/confab/pkg/peer"
)

// mongoDatabase holds the collections conversations and members.
const mongoDatabase = "confab_conversations"

// conversationDoc decides who is in a conversation, and who owns it: both change in one findAndModify with the version.
type conversationDoc struct {
	ID           string       `bson:"_id"`
	Type         string       `bson:"type"`
	Title        string       `bson:"title"`
	OwnerID      string       `bson:"owner_id"`
	CreatorID    string       `bson:"creator_id"`
	ClientID     string       `bson:"client_id"`
	DirectKey    string       `bson:"direct_key"`
	Participants []string     `bson:"participants"` // in the order of joining
	Members      int          `bson:"members"`      // how many participants
	Version      int64        `bson:"members_version"`
	Arrivals     []arrivalDoc `bson:"arrivals,omitempty"` // of members whose documents may not have them yet; mostly none
	CreatorRead  int64        `bson:"creator_read"`       // the first message that its creator sent with it, 0 where she sent none
	Head         headDoc      `bson:"head"`
	LastActivity time.Time    `bson:"last_activity"`
	CreatedAt    time.Time    `bson:"created_at"`
}

// arrivalDoc is where the history of a member who was added starts.
type arrivalDoc struct {
	UserID  string `bson:"user_id"`
	FromSeq int64  `bson:"from_seq"`
}

type headDoc struct {
	Seq      int64     `bson:"seq"`
	Rev      int64     `bson:"rev"`
	Excerpt  string    `bson:"excerpt"`
	AuthorID string    `bson:"author_id"`
	At       time.Time `bson:"at"`
}

func newHeadDoc(h *peer.Head) headDoc {
	return headDoc{Seq: h.Seq, Rev: h.Rev, Excerpt: h.Excerpt, AuthorID: h.AuthorID, At: h.At.Time}
}

func (d *headDoc) below(h *peer.Head) bool {
	return d.Seq < h.Seq || d.Seq == h.Seq && d.Rev < h.Rev
}

func (d *conversationDoc) conversation() Conversation {
	return Conversation{
		ID: d.ID, Type: d.Type, Title: d.Title, OwnerID: d.OwnerID, CreatorID: d.CreatorID, ClientID: d.ClientID, DirectKey: d.DirectKey,
		Members: d.Members, Version: d.Version, LastActivity: chat.TimeOf(d.LastActivity), CreatedAt: chat.TimeOf(d.CreatedAt),
		Head: peer.Head{
			Seq: d.Head.Seq, Rev: d.Head.Rev, Excerpt: d.Head.Excerpt, AuthorID: d.Head.AuthorID, At: chat.TimeOf(d.Head.At),
		},
	}
}

func (d *conversationDoc) has(userID string) bool { return slices.Contains(d.Participants, userID) }

// memberDoc is a member's standing. A member lacks one until something of hers changes, and one who has left keeps hers: only participants
// decide. It is never deleted while the conversation lives, so that no late deletion meets a member who came again.
type memberDoc struct {
	ID             string `bson:"_id"` // memberID
	ConversationID string `bson:"conversation_id"`
	UserID         string `bson:"user_id"`
	FromSeq        int64  `bson:"from_seq"`
	ReadSeq        int64  `bson:"read_seq"`
	ClearedSeq     int64  `bson:"cleared_seq"`
}

// memberID joins two ids by what no id holds.
func memberID(conversationID, userID string) string { return conversationID + ":" + userID }

// standing returns a member's standing from her document, nil where there is none.
func (d *conversationDoc) standing(userID string, doc *memberDoc) Standing {
	s := Standing{ClearedSeq: NotCleared}
	if doc != nil {
		s = Standing{FromSeq: doc.FromSeq, ReadSeq: doc.ReadSeq, ClearedSeq: doc.ClearedSeq}
	}
	if userID == d.CreatorID {
		s.ReadSeq = max(s.ReadSeq, d.CreatorRead)
	}
	for _, a := range d.Arrivals {
		if a.UserID == userID {
			s.FromSeq, s.ReadSeq = max(s.FromSeq, a.FromSeq), max(s.ReadSeq, a.FromSeq)
		}
	}
	return s
}

// mongoRepository keeps conversations in MongoDB.
type mongoRepository struct {
	conversations *mongo.Collection
	members       *mongo.Collection
}

// OpenMongo connects and creates the indexes. The registerer tells of its connections. It returns an error where MongoDB is out of reach.
func OpenMongo(ctx context.Context, uri string, registerer prometheus.Registerer) (Repository, error) {
	client, err := mongokit.Connect(ctx, uri, mongokit.WithMetrics(registerer))
	if err != nil {
		return nil, err
	}
	repo, err := newMongo(ctx, client.Database(mongoDatabase))
	if err != nil {
		return nil, errors.Join(err, client.Disconnect(context.WithoutCancel(ctx)))
	}
	return repo, nil
}

func newMongo(ctx context.Context, db *mongo.Database) (Repository, error) {
	m := &mongoRepository{conversations: db.Collection("conversations"), members: db.Collection("members")}
	err := errors.Join(
		mongokit.EnsureIndexes(ctx, m.conversations, []mongokit.Index{
			{Keys: bson.D{{Key: "direct_key", Value: 1}}, Unique: true},
			{Keys: bson.D{{Key: "creator_id", Value: 1}, {Key: "client_id", Value: 1}}, Unique: true},
			{Keys: bson.D{{Key: "participants", Value: 1}, {Key: "last_activity", Value: -1}, {Key: "_id", Value: -1}}},
		}),
		mongokit.EnsureIndexes(ctx, m.members, []mongokit.Index{{Keys: bson.D{{Key: "conversation_id", Value: 1}}}}),
	)
	return m, err
}

func (m *mongoRepository) Ping(ctx context.Context) error {
	return m.conversations.Database().Client().Ping(ctx, nil)
}

func (m *mongoRepository) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return m.conversations.Database().Client().Disconnect(ctx)
}

func (m *mongoRepository) Insert(ctx context.Context, c Conversation, memberIDs []string) error {
	_, err := m.conversations.InsertOne(ctx, conversationDoc{
		ID: c.ID, Type: c.Type, Title: c.Title, OwnerID: c.OwnerID, CreatorID: c.CreatorID, ClientID: c.ClientID, DirectKey: c.DirectKey,
		Participants: memberIDs, Members: len(memberIDs), Version: c.Version, CreatorRead: c.Head.Seq, Head: newHeadDoc(&c.Head),
		LastActivity: c.LastActivity.Time, CreatedAt: c.CreatedAt.Time,
	})
	if mongokit.IsDuplicate(err) {
		return ErrTaken
	}
	return err
}

func (m *mongoRepository) IDByDirectKey(ctx context.Context, key string) (string, error) {
	doc, err := m.find(ctx, bson.D{{Key: "direct_key", Value: key}}, onlyID)
	return doc.ID, err
}

func (m *mongoRepository) IDByClientID(ctx context.Context, creatorID, clientID string) (string, error) {
	doc, err := m.find(ctx, bson.D{{Key: "creator_id", Value: creatorID}, {Key: "client_id", Value: clientID}}, onlyID)
	return doc.ID, err
}

// Projections. The largest part of a conversation are its participants.
var (
	onlyID           = bson.D{{Key: "_id", Value: 1}}
	allFields        = bson.D{}
	lessParticipants = bson.D{{Key: "participants", Value: 0}}
)

// find returns the one conversation of the filter, or errNotFound.
func (m *mongoRepository) find(ctx context.Context, filter, projection bson.D) (conversationDoc, error) {
	return findIn(ctx, m.conversations, filter, projection)
}

// newest is find as the primary has it now, be it on a majority yet or not: what the next change will meet.
func (m *mongoRepository) newest(ctx context.Context, filter, projection bson.D) (conversationDoc, error) {
	return findIn(ctx, mongokit.Local(m.conversations), filter, projection)
}

func findIn(ctx context.Context, c *mongo.Collection, filter, projection bson.D) (conversationDoc, error) {
	var doc conversationDoc
	err := c.FindOne(ctx, filter, options.FindOne().SetProjection(projection)).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return doc, errNotFound
	}
	return doc, err
}
