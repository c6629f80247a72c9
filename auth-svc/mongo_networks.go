package auth

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/confab-chat/confab/pkg/chat"
)

func (m *mongoRepository) RememberNetwork(ctx context.Context, key string, until chat.Time) error {
	return mongoUpsert(ctx, m.networks, key, bson.M{"expires_at": millis(until)})
}

func (m *mongoRepository) KnowsNetwork(ctx context.Context, key string, now chat.Time) (bool, error) {
	_, err := mongoGet[bson.M](ctx, m.networks, mongo.ErrNoDocuments, bson.M{"_id": key, "expires_at": bson.M{"$gt": millis(now)}})
	if errors.Is(err, mongo.ErrNoDocuments) {
		return false, nil
	}
	return err == nil, err
}
