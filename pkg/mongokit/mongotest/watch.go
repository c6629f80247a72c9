package mongotest

import (
	"context"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
)

// A watch judges the commands that all clients of one database send, and fails the test that the database is for.
type watch struct {
	t        testing.TB
	database string

	mu      sync.Mutex
	stopped bool
	indexes map[string][]index // of each collection, without that of _id
	said    map[string]bool    // faults, each told once
}

func newWatch(t testing.TB, database string) *watch {
	return &watch{t: t, database: database, indexes: map[string][]index{}, said: map[string]bool{}}
}

// monitor returns what each client of the database has to call.
func (w *watch) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.DatabaseName == w.database {
			w.see(e.CommandName, e.Command)
		}
	}}
}

// stop ends the judging: a test that has ended cannot be failed.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
}

// see learns from a command, judges it and tells its faults.
func (w *watch) see(name string, command bson.Raw) {
	collection, ok := command.Lookup(name).StringValueOK()
	if !ok {
		return // about the whole database
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	w.learn(name, collection, command)
	for _, fault := range faults(name, command, w.indexes[collection]) {
		fault = name + " in " + collection + ": " + fault
		if !w.said[fault] {
			w.said[fault] = true
			w.t.Errorf("mongotest: %s", fault)
		}
	}
}

// learn keeps account of a collection's indexes.
func (w *watch) learn(name, collection string, command bson.Raw) {
	switch name {
	case "createIndexes":
		for _, spec := range documents(command.Lookup("indexes")) {
			w.indexes[collection] = append(w.indexes[collection], readIndex(spec))
		}
	case "dropIndexes":
		dropped, _ := command.Lookup("index").StringValueOK()
		kept := w.indexes[collection][:0]
		for _, ix := range w.indexes[collection] {
			if dropped != "*" && dropped != ix.name {
				kept = append(kept, ix)
			}
		}
		w.indexes[collection] = kept
	case "drop":
		delete(w.indexes, collection)
	}
}

// documents returns the documents of an array, none where v is no array.
func documents(v bson.RawValue) []bson.Raw {
	array, ok := v.ArrayOK()
	if !ok {
		return nil
	}
	values, err := array.Values()
	if err != nil {
		return nil
	}
	var docs []bson.Raw
	for _, value := range values {
		if doc, ok := value.DocumentOK(); ok {
			docs = append(docs, doc)
		}
	}
	return docs
}
