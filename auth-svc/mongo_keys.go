package auth

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/mongokit"
)

type mongoKey struct {
	Number    int64  `bson:"_id"`
	ID        string `bson:"kid"`
	Seed      []byte `bson:"seed"`
	CreatedAt int64  `bson:"created_at"`
}

func (d mongoKey) key() Key {
	return Key{Number: d.Number, ID: d.ID, Seed: d.Seed, CreatedAt: timeOf(d.CreatedAt)}
}

func (m *mongoRepository) Keys(ctx context.Context) ([]Key, error) {
	cursor, err := m.keys.Find(ctx, bson.M{}, options.Find().SetSort(bson.M{"_id": -1}))
	return mongoAll(ctx, cursor, err, mongoKey.key)
}

func (m *mongoRepository) AddKey(ctx context.Context, k Key) error {
	return mongoInsert(ctx, m.keys, ErrStale, mongoKey{Number: k.Number, ID: k.ID, Seed: k.Seed, CreatedAt: millis(k.CreatedAt)})
}

type mongoSecret struct {
	Name  string `bson:"_id"`
	Value []byte `bson:"value"`
}

func (m *mongoRepository) Secret(ctx context.Context, name string, fresh []byte) ([]byte, error) {
	if err := mongoInsert(ctx, m.secrets, nil, mongoSecret{Name: name, Value: fresh}); err != nil && !mongokit.IsDuplicate(err) {
		return nil, err
	}
	doc, err := mongoGet[mongoSecret](ctx, m.secrets, mongo.ErrNoDocuments, bson.M{"_id": name})
	return doc.Value, err
}
