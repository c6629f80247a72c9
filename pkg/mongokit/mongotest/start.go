package mongotest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
)

// starts is how many replicas start at once.
const starts = 8

// RunStart is the contract of a store's start: many replicas may open it at once, whatever the database holds, and then each collection has
// its indexes, as RequireIndexes wants them. write stores something in each of them.
func RunStart[R any](
	t *testing.T, open func(context.Context, *mongo.Database) (R, error), write func(*testing.T, *mongo.Database), indexes map[string][]string,
) {
	for name, prepare := range map[string]func(*testing.T, *mongo.Database){
		"over an empty database": func(*testing.T, *mongo.Database) {},
		"over one with data":     write,
		"over data without indexes, as a restore or a new version meets it": func(t *testing.T, db *mongo.Database) {
			write(t, db)
			for name := range indexes {
				if err := db.Collection(name).Indexes().DropAll(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run("many replicas start at once "+name, func(t *testing.T) {
			db := Database(t)
			prepare(t, Again(t, db))
			before := counts(t, db, indexes)
			startAtOnce(t, db, open)
			for name, want := range indexes {
				RequireIndexes(t, db.Collection(name), want...)
			}
			if after := counts(t, db, indexes); !maps.Equal(after, before) {
				t.Errorf("documents: %v, then %v", before, after)
			}
		})
	}
}

// startAtOnce has the clients connected before any of them begins.
func startAtOnce[R any](t *testing.T, db *mongo.Database, open func(context.Context, *mongo.Database) (R, error)) {
	t.Helper()
	replicas := make([]*mongo.Database, starts)
	for i := range replicas {
		replicas[i] = Again(t, db)
	}
	errs := make([]error, starts)
	var running sync.WaitGroup
	for i, replica := range replicas {
		running.Go(func() { _, errs[i] = open(t.Context(), replica) })
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// counts returns how many documents each of the collections holds.
func counts(t *testing.T, db *mongo.Database, collections map[string][]string) map[string]int64 {
	t.Helper()
	documents := map[string]int64{}
	for name := range collections {
		n, err := db.Collection(name).EstimatedDocumentCount(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		documents[name] = n
	}
	return documents
}

// RequireIndexes fails the test unless the collection has these indexes, each once, and no other but that of _id. A want is the index's name,
// as in "a_1_b_-1", and " unique" behind it where it is so.
func RequireIndexes(t testing.TB, coll *mongo.Collection, want ...string) {
	t.Helper()
	specs, err := coll.Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, spec := range specs {
		name := spec.Name
		if spec.Unique != nil && *spec.Unique && name != "_id_" {
			name += " unique"
		}
		got = append(got, name)
	}
	want = append([]string{"_id_"}, want...)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has the indexes %v, want %v", coll.Name(), got, want)
	}
}
