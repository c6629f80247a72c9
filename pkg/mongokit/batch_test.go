package mongokit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/confab-chat/confab/pkg/mongokit"
)

// bulk is the error of an ordered insertMany with write errors of these indexes and codes, in turn.
func bulk(indexesAndCodes ...int) mongo.BulkWriteException {
	var err mongo.BulkWriteException
	for pair := range slices.Chunk(indexesAndCodes, 2) {
		err.WriteErrors = append(err.WriteErrors, mongo.BulkWriteError{WriteError: mongo.WriteError{Index: pair[0], Code: pair[1]}})
	}
	return err
}

func TestReadBatch(t *testing.T) {
	rolledBack := bulk(3, 11000)
	rolledBack.WriteConcernError = &mongo.WriteConcernError{Code: 64}
	steppedDown := bulk(3, 11000)
	steppedDown.Labels = []string{"RetryableWriteError"}
	cut := bulk(3, 11000)
	cut.Labels = []string{"NetworkError"}
	unconfirmed := mongokit.Batch{Verdict: mongokit.Unconfirmed}
	tests := map[string]struct {
		err  error
		want mongokit.Batch
	}{
		"all stored":                {nil, mongokit.Batch{Stored: 5}},
		"duplicate":                 {bulk(3, 11000), mongokit.Batch{Stored: 3, Verdict: mongokit.Duplicate}},
		"duplicate at first":        {bulk(0, 11000), mongokit.Batch{Stored: 0, Verdict: mongokit.Duplicate}},
		"duplicate at last":         {bulk(4, 11000), mongokit.Batch{Stored: 4, Verdict: mongokit.Duplicate}},
		"refused":                   {bulk(3, 121), mongokit.Batch{Stored: 3, Verdict: mongokit.Refused}},
		"several":                   {bulk(4, 121, 2, 11000, 3, 121), mongokit.Batch{Stored: 2, Verdict: mongokit.Duplicate}},
		"wrapped":                   {fmt.Errorf("store: %w", bulk(3, 121)), mongokit.Batch{Stored: 3, Verdict: mongokit.Refused}},
		"write concern error alone": {mongo.BulkWriteException{WriteConcernError: rolledBack.WriteConcernError}, unconfirmed},
		"write concern error too":   {rolledBack, unconfirmed},
		"stepped down":              {steppedDown, unconfirmed},
		"cut":                       {cut, unconfirmed},
		"no cause":                  {mongo.BulkWriteException{}, unconfirmed},
		"index of no document":      {bulk(5, 11000), unconfirmed},
		"index below":               {bulk(-1, 11000), unconfirmed},
		"failed command":            {mongo.CommandError{Code: 11000}, unconfirmed},
		"network error":             {mongo.CommandError{Labels: []string{"NetworkError"}}, unconfirmed},
		"deadline":                  {context.DeadlineExceeded, unconfirmed},
		"any other":                 {errors.New("?"), unconfirmed},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := mongokit.ReadBatch(5, test.err); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// things are documents of which those at the given places take the key of the one with _id 1.
func things(n int, taken ...int) []any {
	docs := make([]any, n)
	for i := range docs {
		docs[i] = thing(1000 + i)
	}
	for _, i := range taken {
		docs[i] = bson.D{{Key: "_id", Value: 1000 + i}, {Key: "key", Value: 1}}
	}
	return docs
}

// More than a hundred, because FerretDB alone would store some behind the failed one.
func TestInsertOrdered(t *testing.T) {
	tests := map[string]struct {
		docs []any
		want mongokit.Batch
	}{
		"none":                  {nil, mongokit.Batch{}},
		"few":                   {things(3), mongokit.Batch{Stored: 3}},
		"many":                  {things(350), mongokit.Batch{Stored: 350}},
		"fails at first":        {things(3, 0), mongokit.Batch{Stored: 0, Verdict: mongokit.Duplicate}},
		"fails among few":       {things(3, 1, 2), mongokit.Batch{Stored: 1, Verdict: mongokit.Duplicate}},
		"fails early in many":   {things(350, 50), mongokit.Batch{Stored: 50, Verdict: mongokit.Duplicate}},
		"fails late in many":    {things(350, 250), mongokit.Batch{Stored: 250, Verdict: mongokit.Duplicate}},
		"fails at a part's end": {things(350, 99, 100), mongokit.Batch{Stored: 99, Verdict: mongokit.Duplicate}},
		"fails at last":         {things(101, 100), mongokit.Batch{Stored: 100, Verdict: mongokit.Duplicate}},
		"refused": {
			append(things(2), bson.D{{Key: "_id", Value: bson.A{1}}, {Key: "key", Value: 9}}, thing(7)),
			mongokit.Batch{Stored: 2, Verdict: mongokit.Refused},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			coll := unique(t)
			got, err := mongokit.InsertOrdered(t.Context(), coll, test.docs)
			if got != test.want || (err == nil) != (got.Verdict == mongokit.AllStored) {
				t.Errorf("got %+v and %v, want %+v", got, err, test.want)
			}
			if got.Verdict == mongokit.Duplicate != mongokit.IsDuplicate(err) {
				t.Errorf("the verdict %v does not go with the error %v", got.Verdict, err)
			}
			wantStored(t, coll, test.want.Stored)
		})
	}
}

// wantStored checks that of the inserted documents the first n are there and no others.
func wantStored(t *testing.T, coll *mongo.Collection, n int) {
	t.Helper()
	all, err := coll.CountDocuments(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$nin", Value: bson.A{1, 2}}, {Key: "$gte", Value: 0}}}})
	if err != nil {
		t.Fatal(err)
	}
	first, err := coll.CountDocuments(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: 1000}, {Key: "$lt", Value: 1000 + n}}}})
	if err != nil {
		t.Fatal(err)
	}
	if all != int64(n) || first != int64(n) {
		t.Errorf("%d documents are stored, of the first %d %d", all, n, first)
	}
}

func TestInsertOrderedUnconfirmed(t *testing.T) {
	coll := unique(t)
	tests := map[string]func(*testing.T) context.Context{
		"deadline": func(t *testing.T) context.Context {
			ctx, cancel := context.WithDeadline(t.Context(), time.Now())
			t.Cleanup(cancel)
			return ctx
		},
		"left": func(t *testing.T) context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		},
	}
	for name, ctx := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := mongokit.InsertOrdered(ctx(t), coll, things(150))
			if got != (mongokit.Batch{Verdict: mongokit.Unconfirmed}) || err == nil {
				t.Errorf("got %+v and %v", got, err)
			}
		})
	}
}
