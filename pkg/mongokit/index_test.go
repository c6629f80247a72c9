package mongokit_test

import (
	"context"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/confab-chat/confab/pkg/mongokit"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
)

var indexes = []mongokit.Index{
	{Keys: bson.D{{Key: "a", Value: 1}, {Key: "b", Value: -1}}, Unique: true},
	{Keys: bson.D{{Key: "b", Value: 1}}},
	{Keys: bson.D{{Key: "c", Value: 1}}},
}

var wantIndexes = []string{"a_1_b_-1 unique", "b_1", "c_1"}

func TestEnsureIndexesAgain(t *testing.T) {
	coll := mongotest.Database(t).Collection("things")
	for range 3 {
		if err := mongokit.EnsureIndexes(t.Context(), coll, indexes); err != nil {
			t.Fatal(err)
		}
		mongotest.RequireIndexes(t, coll, wantIndexes...)
	}
}

func TestEnsureIndexesByManyReplicas(t *testing.T) {
	open := func(ctx context.Context, db *mongo.Database) (any, error) {
		return nil, mongokit.EnsureIndexes(ctx, db.Collection("things"), indexes)
	}
	write := func(t *testing.T, db *mongo.Database) {
		if _, err := db.Collection("things").InsertMany(t.Context(), []bson.D{{{Key: "a", Value: 1}}, {{Key: "a", Value: 2}}}); err != nil {
			t.Fatal(err)
		}
	}
	mongotest.RunStart(t, open, write, map[string][]string{"things": wantIndexes})
}

func TestEnsureIndexesFails(t *testing.T) {
	coll := mongotest.Database(t).Collection("things")
	if err := mongokit.EnsureIndexes(t.Context(), coll, indexes); err != nil {
		t.Fatal(err)
	}
	err := mongokit.EnsureIndexes(t.Context(), coll, []mongokit.Index{{Keys: bson.D{}}})
	if err == nil || !strings.Contains(err.Error(), "things") {
		t.Errorf("an index without keys: %v", err)
	}

	for i := range 2 {
		if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "a", Value: i}, {Key: "b", Value: 1}, {Key: "d", Value: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	err = mongokit.EnsureIndexes(t.Context(), coll, []mongokit.Index{{Keys: bson.D{{Key: "d", Value: 1}}, Unique: true}})
	if !mongokit.IsDuplicate(err) || !strings.Contains(err.Error(), "d") {
		t.Errorf("a unique index over equal values: %v", err)
	}
}
