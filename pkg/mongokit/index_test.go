package mongokit_test

import (
	"strings"
	"sync"
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

func wantIndexes(t *testing.T, coll *mongo.Collection) {
	t.Helper()
	specs, err := coll.Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, spec := range specs {
		got[spec.Name] = spec.Unique != nil && *spec.Unique
	}
	delete(got, "_id_")
	want := map[string]bool{"a_1_b_-1": true, "b_1": false, "c_1": false}
	for name, unique := range want {
		if isUnique, ok := got[name]; !ok || isUnique != unique {
			t.Errorf("index %s: there %v, unique %v", name, ok, isUnique)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the indexes are %v", got)
	}
}

func TestEnsureIndexesAgain(t *testing.T) {
	coll := mongotest.Database(t).Collection("things")
	for range 3 {
		if err := mongokit.EnsureIndexes(t.Context(), coll, indexes); err != nil {
			t.Fatal(err)
		}
		wantIndexes(t, coll)
	}
}

func TestEnsureIndexesByManyReplicas(t *testing.T) {
	db := mongotest.Database(t)
	var replicas sync.WaitGroup
	for range 8 {
		coll := mongotest.Again(t, db).Collection("things")
		replicas.Go(func() {
			if err := mongokit.EnsureIndexes(t.Context(), coll, indexes); err != nil {
				t.Error(err)
			}
		})
	}
	replicas.Wait()
	wantIndexes(t, db.Collection("things"))
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
