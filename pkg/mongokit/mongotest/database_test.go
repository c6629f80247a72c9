package mongotest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/confab-chat/confab/pkg/mongokit"
)

// A recorder is a test that keeps what fails it.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	errors []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// want checks that the test has failed once for each of the faults, told by a part of it, and forgets them.
func (r *recorder) want(t *testing.T, faults ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errors) != len(faults) {
		t.Errorf("got %q, want %q", r.errors, faults)
	}
	for i, fault := range faults[:min(len(faults), len(r.errors))] {
		if !strings.Contains(r.errors[i], fault) {
			t.Errorf("got %q, want %q", r.errors[i], fault)
		}
	}
	r.errors = nil
}

func field(name string, value any) bson.D { return bson.D{{Key: name, Value: value}} }

// indexed returns a collection with a unique index of a and b, and the test that it would fail.
func indexed(t *testing.T) (*mongo.Collection, *recorder) {
	t.Helper()
	rec := &recorder{TB: t}
	coll := Database(rec).Collection("things")
	keys := bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 1}}
	if err := mongokit.EnsureIndexes(t.Context(), coll, []mongokit.Index{{Keys: keys, Unique: true}}); err != nil {
		t.Fatal(err)
	}
	return coll, rec
}

// Each of the driver's calls that filter, since what it sends is what is judged.
func TestUnservedCallsFailTheTest(t *testing.T) {
	coll, rec := indexed(t)
	ctx, set := t.Context(), field("$set", field("z", 1))
	tests := []struct {
		fault string
		call  func(filter bson.D) error
	}{
		{"find", func(f bson.D) error { return coll.FindOne(ctx, f).Err() }},
		{"update", func(f bson.D) error { _, err := coll.UpdateOne(ctx, f, set); return err }},
		{"update", func(f bson.D) error { _, err := coll.UpdateMany(ctx, f, set); return err }},
		{"update", func(f bson.D) error { _, err := coll.ReplaceOne(ctx, f, field("z", 1)); return err }},
		{"delete", func(f bson.D) error { _, err := coll.DeleteOne(ctx, f); return err }},
		{"delete", func(f bson.D) error { _, err := coll.DeleteMany(ctx, f); return err }},
		{"findAndModify", func(f bson.D) error { return coll.FindOneAndUpdate(ctx, f, set).Err() }},
		{"findAndModify", func(f bson.D) error { return coll.FindOneAndDelete(ctx, f).Err() }},
		{"aggregate", func(f bson.D) error { _, err := coll.CountDocuments(ctx, f); return err }},
		{"aggregate", func(f bson.D) error { _, err := coll.Aggregate(ctx, bson.A{field("$match", f)}); return err }},
	}
	for i, test := range tests {
		if err := test.call(field("a", 1)); err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
			t.Fatal(err)
		}
		rec.want(t)
		unserved := field(fmt.Sprintf("z%d", i), 1)
		_, _ = test.call(unserved), test.call(unserved) // told once
		rec.want(t, test.fault+" in things: no index serves {z")
	}
}

func TestNewDocumentsFailTheTest(t *testing.T) {
	coll, rec := indexed(t)
	ctx := t.Context()
	whole := bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 1}}
	if _, err := coll.InsertOne(ctx, whole); err != nil {
		t.Fatal(err)
	}
	rec.want(t)
	if _, err := coll.InsertMany(ctx, []any{field("a", 2), field("b", 2)}); err != nil {
		t.Fatal(err)
	}
	rec.want(t, "a document without b", "a document without a")
	if _, err := coll.UpdateOne(ctx, field("a", 3), field("$set", field("z", 1)), options.UpdateOne().SetUpsert(true)); err != nil {
		t.Fatal(err)
	}
	rec.want(t, "update in things: a document without b")
}

func TestWalksPass(t *testing.T) {
	coll, rec := indexed(t)
	ctx := t.Context()
	if _, err := coll.Find(ctx, bson.D{}, options.Find().SetSort(field("_id", 1))); err != nil {
		t.Fatal(err)
	}
	if _, err := coll.Find(ctx, field("z", 1), options.Find().SetComment(mongokit.Walk("this test"))); err != nil {
		t.Fatal(err)
	}
	if _, err := coll.CountDocuments(ctx, bson.D{}, options.Count().SetComment(mongokit.Walk("this test"))); err != nil {
		t.Fatal(err)
	}
	if _, err := coll.EstimatedDocumentCount(ctx); err != nil {
		t.Fatal(err)
	}
	rec.want(t)
}

func TestIndexesComeAndGo(t *testing.T) {
	coll, rec := indexed(t)
	find := func() {
		if _, err := coll.Find(t.Context(), field("a", 1)); err != nil {
			t.Fatal(err)
		}
	}
	find()
	rec.want(t)
	if err := coll.Indexes().DropOne(t.Context(), "other"); err == nil {
		t.Error("an index that is not there was dropped")
	}
	find()
	rec.want(t)
	if err := coll.Indexes().DropOne(t.Context(), "a_1_b_1"); err != nil {
		t.Fatal(err)
	}
	find()
	rec.want(t, "find in things")

	coll, rec = indexed(t)
	if err := coll.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	find()
	rec.want(t, "find in things")
}

func TestAgainIsTheSameDatabase(t *testing.T) {
	coll, rec := indexed(t)
	again := Again(t, coll.Database())
	if again.Client() == coll.Database().Client() {
		t.Error("both are one client")
	}
	other := again.Collection("things")
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: 1}, {Key: "b", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := other.FindOne(t.Context(), field("a", 1)).Err(); err != nil {
		t.Errorf("what one client wrote, the other does not find by the index that it made: %v", err)
	}
	rec.want(t)
	if err := other.FindOne(t.Context(), field("_ID", 1)).Err(); err == nil {
		t.Error("found")
	}
	rec.want(t, "find in things")
}

func TestDatabaseIsOfOneTest(t *testing.T) {
	var rec *recorder
	var ended *mongo.Database
	var w *watch
	t.Run("first", func(t *testing.T) {
		coll, r := indexed(t)
		if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 1}}); err != nil {
			t.Fatal(err)
		}
		rec, ended = r, coll.Database()
		v, _ := watches.Load(ended.Name())
		w, _ = v.(*watch)
	})
	db := Database(t)
	if db.Name() == ended.Name() {
		t.Errorf("both tests have %s", db.Name())
	}
	names, err := db.Client().ListDatabaseNames(t.Context(), bson.D{})
	if err != nil || slices.Contains(names, ended.Name()) {
		t.Errorf("%s is still there: %v, %v", ended.Name(), names, err)
	}
	if err := ended.Client().Ping(context.WithoutCancel(t.Context()), nil); err == nil {
		t.Error("the client is still connected")
	}
	w.see("find", raw(t, `{"find": "things", "filter": {"z": 1}}`))
	rec.want(t) // for it would panic
}
