package auth

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/mongokit"
)

const mongoDatabase = "confab_auth"

type mongoRepository struct {
	db       *mongo.Database
	users    *mongo.Collection
	sessions *mongo.Collection
	resets   *mongo.Collection
	networks *mongo.Collection
	keys     *mongo.Collection
	secrets  *mongo.Collection
}

// OpenMongo connects to the server at uri and makes the indexes. The registerer tells of its connections. It returns an error where
// either fails.
func OpenMongo(ctx context.Context, uri string, registerer prometheus.Registerer) (Repository, error) {
	client, err := mongokit.Connect(ctx, uri, mongokit.WithMetrics(registerer))
	if err != nil {
		return nil, err
	}
	m, err := newMongoRepository(ctx, client.Database(mongoDatabase))
	if err != nil {
		return nil, errors.Join(err, client.Disconnect(context.WithoutCancel(ctx)))
	}
	return m, nil
}

func newMongoRepository(ctx context.Context, db *mongo.Database) (*mongoRepository, error) {
	m := &mongoRepository{db: db}
	for _, c := range []struct {
		coll    **mongo.Collection
		name    string
		indexes []mongokit.Index
	}{
		{&m.users, "users", []mongokit.Index{
			{Keys: ascending("email"), Unique: true},
			{Keys: ascending("name_key"), Unique: true},
			{Keys: ascending("role")},
		}},
		{&m.sessions, "sessions", []mongokit.Index{
			{Keys: ascending("user_id", "ended_at", "_id")},
			{Keys: ascending("ended_at", "_id")},
			{Keys: ascending("expires_at")},
		}},
		{&m.resets, "resets", []mongokit.Index{
			{Keys: ascending("token_hash"), Unique: true},
			{Keys: ascending("expires_at")},
		}},
		{&m.networks, "networks", []mongokit.Index{
			{Keys: ascending("expires_at")},
		}},
		{&m.keys, "keys", nil},
		{&m.secrets, "secrets", nil},
	} {
		*c.coll = mongokit.Majority(db.Collection(c.name))
		if err := mongokit.EnsureIndexes(ctx, *c.coll, c.indexes); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func ascending(fields ...string) bson.D {
	var keys bson.D
	for _, field := range fields {
		keys = append(keys, bson.E{Key: field, Value: 1})
	}
	return keys
}

func (m *mongoRepository) Ping(ctx context.Context) error { return m.db.Client().Ping(ctx, nil) }

func (m *mongoRepository) Close() error { return m.db.Client().Disconnect(context.Background()) }

// mongoInsert returns taken where a unique index holds one of the document's values; a nil taken is the error itself.
func mongoInsert(ctx context.Context, coll *mongo.Collection, taken error, doc any) error {
	_, err := coll.InsertOne(ctx, doc)
	if taken != nil && mongokit.IsDuplicate(err) {
		return taken
	}
	return err
}

// mongoSet sets fields of the document that filter finds. It returns none where that finds none.
func mongoSet(ctx context.Context, coll *mongo.Collection, none error, filter, fields bson.M) error {
	result, err := coll.UpdateOne(ctx, filter, bson.M{"$set": fields})
	if err != nil {
		return err
	}
	if result.MatchedCount == 0 {
		return none
	}
	return nil
}

// mongoUpsert sets fields of the document with that id, which it makes where there is none.
func mongoUpsert(ctx context.Context, coll *mongo.Collection, id string, fields bson.M) error {
	_, err := coll.UpdateOne(ctx, bson.M{"_id": id}, bson.M{"$set": fields}, options.UpdateOne().SetUpsert(true))
	if mongokit.IsDuplicate(err) { // another made the document at the same moment
		return mongoSet(ctx, coll, nil, bson.M{"_id": id}, fields)
	}
	return err
}

// mongoGet reads the document that filter finds. It returns none where that finds none.
func mongoGet[D any](ctx context.Context, coll *mongo.Collection, none error, filter bson.M) (D, error) {
	var doc D
	err := coll.FindOne(ctx, filter).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = none
	}
	return doc, err
}

// mongoAll reads what a cursor has, each document turned into what it stands for.
func mongoAll[D, T any](ctx context.Context, cursor *mongo.Cursor, err error, of func(D) T) ([]T, error) {
	if err != nil {
		return nil, err
	}
	var docs []D
	if err := cursor.All(ctx, &docs); err != nil {
		return nil, err
	}
	out := make([]T, len(docs))
	for i, doc := range docs {
		out[i] = of(doc)
	}
	return out, nil
}

func (m *mongoRepository) Purge(ctx context.Context, now chat.Time) error {
	past := bson.M{"$lt": millis(now)}
	_, err := m.sessions.DeleteMany(ctx, bson.M{"ended_at": bson.M{"$gt": 0}, "tokens_until": past})
	if err != nil {
		return err
	}
	for _, coll := range []*mongo.Collection{m.sessions, m.resets, m.networks} {
		if _, err := coll.DeleteMany(ctx, bson.M{"expires_at": past}); err != nil {
			return err
		}
	}
	return nil
}
