package mongokit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// An Index orders a collection by Keys: field names with 1 or -1.
type Index struct {
	Keys   bson.D
	Unique bool
}

const (
	// indexTimeout is how long an index may take to build where the context has no deadline.
	indexTimeout = 10 * time.Minute
	indexTries   = 5
	indexPause   = 200 * time.Millisecond
)

// EnsureIndexes creates those indexes of coll that it lacks, and coll itself. Any number of replicas may call it at once.
//
// The error says which index could not be made: documents collide in it, or there is one of the same name or keys that
// differs.
func EnsureIndexes(ctx context.Context, coll *mongo.Collection, indexes []Index) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, indexTimeout)
		defer cancel()
	}
	// One command each: FerretDB panics when several indexes of one command exist already.
	for _, index := range indexes {
		model := mongo.IndexModel{Keys: index.Keys, Options: options.Index()}
		if index.Unique {
			model.Options.SetUnique(true)
		}
		err := retry(ctx, indexPause, func() error {
			_, err := coll.Indexes().CreateOne(ctx, model)
			return err
		})
		if err != nil {
			return fmt.Errorf("index %v of %s: %w", index.Keys, coll.Name(), err)
		}
	}
	return nil
}

// retry calls create until it succeeds, fails for good, has had its tries, or ctx is done; it pauses between two tries.
func retry(ctx context.Context, pause time.Duration, create func() error) error {
	for try := 1; ; try++ {
		err := create()
		if err == nil || try == indexTries || !inAnothersWay(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// inAnothersWay reports whether another replica was creating the same collection or index at that moment.
func inAnothersWay(err error) bool {
	const namespaceExists, writeConflict, conflictingOperation, buildInProgress = 48, 112, 117, 12587
	var server mongo.ServerError
	return errors.As(err, &server) && slices.ContainsFunc(
		[]int{namespaceExists, writeConflict, conflictingOperation, buildInProgress}, server.HasErrorCode)
}
