package auth

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

type mongoUser struct {
	ID              string `bson:"_id"`
	Email           string `bson:"email"`
	PasswordHash    string `bson:"password_hash"`
	PasswordVersion int64  `bson:"password_version"`
	FirstName       string `bson:"first_name"`
	LastName        string `bson:"last_name"`
	NameKey         string `bson:"name_key"`
	Role            string `bson:"role"`
	CreatedAt       int64  `bson:"created_at"` // ms since the Unix epoch, as all times
}

func (d mongoUser) user() User {
	return User{
		ID: d.ID, Email: d.Email, PasswordHash: d.PasswordHash, PasswordVersion: d.PasswordVersion,
		FirstName: d.FirstName, LastName: d.LastName, Role: d.Role, CreatedAt: timeOf(d.CreatedAt),
	}
}

func (m *mongoRepository) CreateUser(ctx context.Context, u User) error {
	return mongoInsert(ctx, m.users, ErrEmailTaken, mongoUser{
		ID: u.ID, Email: u.Email, PasswordHash: u.PasswordHash, PasswordVersion: u.PasswordVersion,
		FirstName: u.FirstName, LastName: u.LastName, NameKey: u.nameKey(), Role: u.Role, CreatedAt: millis(u.CreatedAt),
	})
}

func (m *mongoRepository) User(ctx context.Context, id string) (User, error) {
	doc, err := mongoGet[mongoUser](ctx, m.users, ErrNoUser, bson.M{"_id": id})
	return doc.user(), err
}

func (m *mongoRepository) UserByEmail(ctx context.Context, email string) (User, error) {
	doc, err := mongoGet[mongoUser](ctx, m.users, ErrNoUser, bson.M{"email": email})
	return doc.user(), err
}

func (m *mongoRepository) UsersByID(ctx context.Context, ids []string) ([]User, error) {
	return m.findUsers(ctx, bson.M{"_id": bson.M{"$in": ids}}, options.Find())
}

func (m *mongoRepository) UsersByName(ctx context.Context, after, before string, limit int) ([]User, error) {
	return m.findUsers(ctx, bson.M{"name_key": bson.M{"$gt": after, "$lt": before}},
		options.Find().SetSort(ascending("name_key")).SetLimit(int64(limit)))
}

func (m *mongoRepository) UsersByRole(ctx context.Context, role string) ([]User, error) {
	return m.findUsers(ctx, bson.M{"role": role}, options.Find())
}

func (m *mongoRepository) findUsers(ctx context.Context, filter bson.M, opts *options.FindOptionsBuilder) ([]User, error) {
	cursor, err := m.users.Find(ctx, filter, opts)
	return mongoAll(ctx, cursor, err, mongoUser.user)
}

func (m *mongoRepository) SetNames(ctx context.Context, u, old User) error {
	return mongoSet(ctx, m.users, ErrStale, bson.M{"_id": u.ID, "first_name": old.FirstName, "last_name": old.LastName},
		bson.M{"first_name": u.FirstName, "last_name": u.LastName, "name_key": u.nameKey()})
}

func (m *mongoRepository) SetRole(ctx context.Context, id, role string) error {
	return mongoSet(ctx, m.users, ErrNoUser, bson.M{"_id": id}, bson.M{"role": role})
}

func (m *mongoRepository) ReplacePassword(ctx context.Context, u User, old string) error {
	return mongoSet(ctx, m.users, ErrStale, bson.M{"_id": u.ID, "password_hash": old},
		bson.M{"password_hash": u.PasswordHash, "password_version": u.PasswordVersion})
}
