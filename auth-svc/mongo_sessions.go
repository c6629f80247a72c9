package auth

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/chat"
)

type mongoSession struct {
	ID              string  `bson:"_id"`
	UserID          string  `bson:"user_id"`
	Label           string  `bson:"label"`
	CreatedAt       int64   `bson:"created_at"`
	LastUsedAt      int64   `bson:"last_used_at"`
	ExpiresAt       int64   `bson:"expires_at"`
	TokensUntil     int64   `bson:"tokens_until"`
	Generation      int64   `bson:"generation"`
	Uses            []int64 `bson:"uses"`
	PasswordVersion int64   `bson:"password_version"`
	EndedAt         int64   `bson:"ended_at"`
}

func (d mongoSession) session() Session {
	return Session{
		ID: d.ID, UserID: d.UserID, Label: d.Label,
		CreatedAt: timeOf(d.CreatedAt), LastUsedAt: timeOf(d.LastUsedAt), ExpiresAt: timeOf(d.ExpiresAt), TokensUntil: timeOf(d.TokensUntil),
		Generation: d.Generation, Uses: allTimes(d.Uses), PasswordVersion: d.PasswordVersion, EndedAt: timeOf(d.EndedAt),
	}
}

func (m *mongoRepository) CreateSession(ctx context.Context, s Session) error {
	return mongoInsert(ctx, m.sessions, nil, mongoSession{
		ID: s.ID, UserID: s.UserID, Label: s.Label,
		CreatedAt: millis(s.CreatedAt), LastUsedAt: millis(s.LastUsedAt), ExpiresAt: millis(s.ExpiresAt), TokensUntil: millis(s.TokensUntil),
		Generation: s.Generation, Uses: allMillis(s.Uses), PasswordVersion: s.PasswordVersion, EndedAt: millis(s.EndedAt),
	})
}

func (m *mongoRepository) Session(ctx context.Context, id string) (Session, error) {
	doc, err := mongoGet[mongoSession](ctx, m.sessions, ErrNoSession, bson.M{"_id": id})
	return doc.session(), err
}

func (m *mongoRepository) LiveSessions(ctx context.Context, userID, before string, now chat.Time, limit int) ([]Session, error) {
	filter := bson.M{"user_id": userID, "ended_at": 0, "expires_at": bson.M{"$gt": millis(now)}}
	if before != "" {
		filter["_id"] = bson.M{"$lt": before}
	}
	cursor, err := m.sessions.Find(ctx, filter, options.Find().SetSort(bson.M{"_id": -1}).SetLimit(int64(limit)))
	return mongoAll(ctx, cursor, err, mongoSession.session)
}

func (m *mongoRepository) RefreshSession(ctx context.Context, s Session, generation int64) error {
	return mongoSet(ctx, m.sessions, ErrStale, bson.M{"_id": s.ID, "generation": generation, "ended_at": 0}, bson.M{
		"last_used_at": millis(s.LastUsedAt), "expires_at": millis(s.ExpiresAt), "tokens_until": millis(s.TokensUntil),
		"generation": s.Generation, "uses": allMillis(s.Uses),
	})
}

func (m *mongoRepository) TrustSession(ctx context.Context, id string, passwordVersion int64) error {
	_, err := m.sessions.UpdateOne(ctx, bson.M{"_id": id, "ended_at": 0}, bson.M{"$max": bson.M{"password_version": passwordVersion}})
	return err
}

func (m *mongoRepository) EndSession(ctx context.Context, userID, id string, at chat.Time) (Session, error) {
	var doc mongoSession
	err := m.sessions.FindOneAndUpdate(ctx, bson.M{"_id": id, "user_id": userID, "ended_at": 0}, bson.M{"$set": bson.M{"ended_at": millis(at)}},
		options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = ErrNoSession
	}
	return doc.session(), err
}

func (m *mongoRepository) EndSessions(ctx context.Context, userID string, ids []string, at chat.Time) ([]Session, error) {
	these := bson.M{"_id": bson.M{"$in": ids}, "user_id": userID, "ended_at": 0}
	if _, err := m.sessions.UpdateMany(ctx, these, bson.M{"$set": bson.M{"ended_at": millis(at)}}); err != nil {
		return nil, err
	}
	these["ended_at"] = millis(at)
	cursor, err := m.sessions.Find(ctx, these) // nothing changes an ended session
	return mongoAll(ctx, cursor, err, mongoSession.session)
}

func (m *mongoRepository) EndedSessions(ctx context.Context, since chat.Time, after string, now chat.Time, limit int) ([]Session, error) {
	from := max(1, millis(since))
	cursor, err := m.sessions.Find(ctx, bson.M{
		"ended_at": bson.M{"$gte": from}, "$or": bson.A{bson.M{"ended_at": bson.M{"$gt": from}}, bson.M{"_id": bson.M{"$gt": after}}},
		"tokens_until": bson.M{"$gt": millis(now)},
	}, options.Find().SetSort(ascending("ended_at", "_id")).SetLimit(int64(limit)))
	return mongoAll(ctx, cursor, err, mongoSession.session)
}

type mongoReset struct {
	UserID    string `bson:"_id"` // so each user has one
	TokenHash string `bson:"token_hash"`
	ExpiresAt int64  `bson:"expires_at"`
}

func (m *mongoRepository) SetReset(ctx context.Context, r Reset) error {
	return mongoUpsert(ctx, m.resets, r.UserID, bson.M{"token_hash": r.TokenHash, "expires_at": millis(r.ExpiresAt)})
}

func (m *mongoRepository) Reset(ctx context.Context, tokenHash string) (Reset, error) {
	doc, err := mongoGet[mongoReset](ctx, m.resets, ErrNoReset, bson.M{"token_hash": tokenHash})
	return Reset{UserID: doc.UserID, TokenHash: doc.TokenHash, ExpiresAt: timeOf(doc.ExpiresAt)}, err
}

func (m *mongoRepository) TakeReset(ctx context.Context, tokenHash string) error {
	result, err := m.resets.DeleteOne(ctx, bson.M{"token_hash": tokenHash})
	if err == nil && result.DeletedCount == 0 {
		return ErrNoReset
	}
	return err
}

func (m *mongoRepository) DropReset(ctx context.Context, userID string) error {
	_, err := m.resets.DeleteOne(ctx, bson.M{"_id": userID})
	return err
}
