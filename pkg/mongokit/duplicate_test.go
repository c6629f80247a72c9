package mongokit_test

import (
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/mongokit"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
)

// unique returns a new collection of documents with a unique key, 1 and 2 taken by the _ids 1 and 2.
func unique(t *testing.T) *mongo.Collection {
	t.Helper()
	coll := mongotest.Database(t).Collection("things")
	index := mongokit.Index{Keys: bson.D{{Key: "key", Value: 1}}, Unique: true}
	if err := mongokit.EnsureIndexes(t.Context(), coll, []mongokit.Index{index}); err != nil {
		t.Fatal(err)
	}
	if _, err := coll.InsertMany(t.Context(), []any{thing(1), thing(2)}); err != nil {
		t.Fatal(err)
	}
	return coll
}

func thing(n int) bson.D { return bson.D{{Key: "_id", Value: n}, {Key: "key", Value: n}} }

// Each way to take a key twice, as the server itself answers it.
func TestIsDuplicateAsAnswered(t *testing.T) {
	taken := bson.D{{Key: "_id", Value: 3}, {Key: "key", Value: 1}}
	id := func(n int) bson.D { return bson.D{{Key: "_id", Value: n}} }
	set := bson.D{{Key: "$set", Value: bson.D{{Key: "key", Value: 1}}}}
	ways := map[string]func(*mongo.Collection) error{
		"insertOne":        func(c *mongo.Collection) error { _, err := c.InsertOne(t.Context(), taken); return err },
		"insertOne of _id": func(c *mongo.Collection) error { _, err := c.InsertOne(t.Context(), thing(1)); return err },
		"insertMany": func(c *mongo.Collection) error {
			_, err := c.InsertMany(t.Context(), []any{thing(4), taken})
			return err
		},
		"updateOne":         func(c *mongo.Collection) error { _, err := c.UpdateOne(t.Context(), id(2), set); return err },
		"updateMany":        func(c *mongo.Collection) error { _, err := c.UpdateMany(t.Context(), id(2), set); return err },
		"replaceOne":        func(c *mongo.Collection) error { _, err := c.ReplaceOne(t.Context(), id(2), taken[1:]); return err },
		"findOneAndUpdate":  func(c *mongo.Collection) error { return c.FindOneAndUpdate(t.Context(), id(2), set).Err() },
		"findOneAndReplace": func(c *mongo.Collection) error { return c.FindOneAndReplace(t.Context(), id(2), taken[1:]).Err() },
		"upsert": func(c *mongo.Collection) error {
			_, err := c.UpdateOne(t.Context(), id(3), set, options.UpdateOne().SetUpsert(true))
			return err
		},
		"findOneAndUpdate, upsert": func(c *mongo.Collection) error {
			return c.FindOneAndUpdate(t.Context(), id(3), set, options.FindOneAndUpdate().SetUpsert(true)).Err()
		},
		"bulk insert": func(c *mongo.Collection) error {
			_, err := c.BulkWrite(t.Context(), []mongo.WriteModel{mongo.NewInsertOneModel().SetDocument(taken)})
			return err
		},
		"bulk update": func(c *mongo.Collection) error {
			_, err := c.BulkWrite(t.Context(), []mongo.WriteModel{mongo.NewUpdateOneModel().SetFilter(id(2)).SetUpdate(set)})
			return err
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			err := way(unique(t))
			if !mongokit.IsDuplicate(err) || !mongokit.IsDuplicate(fmt.Errorf("wrapped: %w", err)) {
				t.Errorf("not taken for a duplicate: %T %v", err, err)
			}
		})
	}
}

func TestIsDuplicate(t *testing.T) {
	e11000 := mongo.WriteError{Code: 11000, Message: "E11000 duplicate key error"}
	tests := map[string]struct {
		err  error
		want bool
	}{
		"nothing":                {nil, false},
		"no document":            {mongo.ErrNoDocuments, false},
		"another kind of error":  {errors.New("UNIQUE constraint failed"), false},
		"MongoDB's write error":  {mongo.WriteException{WriteErrors: mongo.WriteErrors{e11000}}, true},
		"its command error":      {mongo.CommandError{Code: 11000}, true},
		"its bulk error":         {mongo.BulkWriteException{WriteErrors: []mongo.BulkWriteError{{WriteError: e11000}}}, true},
		"FerretDB's":             {mongo.CommandError{Code: 1, Message: "constraint failed: UNIQUE constraint failed: index 'a' (2067)"}, true},
		"FerretDB's other error": {mongo.CommandError{Code: 1, Message: "database is locked"}, false},
		"another code":           {mongo.CommandError{Code: 2, Message: "UNIQUE constraint failed"}, false},
		"write concern error":    {mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 64}}, false},
	}
	for name, test := range tests {
		if got := mongokit.IsDuplicate(test.err); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
