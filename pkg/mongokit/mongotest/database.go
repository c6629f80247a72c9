// Package mongotest gives each test a MongoDB database of its own and fails the test on a command that is right on the
// stand-in but wrong on MongoDB in production: a query that no index serves, a document without a unique index's field.
package mongotest

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/confab-chat/confab/pkg/mongokit"
)

// cleanUpTimeout is how long a database may take to go.
const cleanUpTimeout = 30 * time.Second

// URI returns the server that this process's tests use: CONFAB_TEST_MONGO_URI if set, else a test server of its own,
// which ends with the process.
func URI(t testing.TB) string {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatalf("mongotest: %v", err)
	}
	return s.uri
}

// Database returns a new database, dropped when t ends. Its client fails t on every query that no index serves, unless
// its comment is from mongokit.Walk, and on every new document that lacks a field of one of its collection's unique
// indexes. Indexes count from the moment at which they are created through Database or Again.
func Database(t testing.TB) *mongo.Database {
	t.Helper()
	name := "confab_test_" + bson.NewObjectID().Hex()
	w := newWatch(t, name)
	watches.Store(name, w)
	db := open(t, name, w)
	t.Cleanup(func() {
		watches.Delete(name)
		w.stop()
		ctx, cancel := cleanUpContext(t)
		defer cancel()
		if err := db.Drop(ctx); err != nil {
			t.Errorf("mongotest: drop %s: %v", name, err)
		}
	})
	return db
}

// Again returns db through another client, as a second replica would have it. It is watched as db is.
func Again(t testing.TB, db *mongo.Database) *mongo.Database {
	t.Helper()
	w, ok := watches.Load(db.Name())
	if !ok {
		t.Fatalf("mongotest: %s is not from Database, or its test has ended", db.Name())
	}
	return open(t, db.Name(), w.(*watch))
}

// watches has the *watch of each database in use.
var watches sync.Map

// open connects a client whose commands w sees, until t ends.
func open(t testing.TB, name string, w *watch) *mongo.Database {
	t.Helper()
	client, err := mongokit.Connect(t.Context(), URI(t), mongokit.WithMonitor(w.monitor()))
	if err != nil {
		t.Fatalf("mongotest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := cleanUpContext(t)
		defer cancel()
		_ = client.Disconnect(ctx)
	})
	return client.Database(name)
}

// cleanUpContext outlives t's own context, which has ended when clean-up runs.
func cleanUpContext(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(t.Context()), cleanUpTimeout)
}
