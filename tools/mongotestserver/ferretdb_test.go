package main

import (
	"errors"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// writers is how many clients update one document at once.
const writers = 60

func connect(t *testing.T, uri string) *mongo.Collection {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(t.Context()) })
	return client.Database("test").Collection("test")
}

func ping(t *testing.T, coll *mongo.Collection) {
	t.Helper()
	if err := coll.Database().Client().Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// race inserts a document, lets all writers run update beside each other, and returns how many of them changed it and
// the document's n after that.
func race(t *testing.T, coll *mongo.Collection, filter, update bson.D) (changed, n int) {
	t.Helper()
	id := bson.NewObjectID()
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: id}, {Key: "n", Value: 0}}); err != nil {
		t.Fatal(err)
	}
	filter = append(bson.D{{Key: "_id", Value: id}}, filter...)
	var mu sync.Mutex
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			err := coll.FindOneAndUpdate(t.Context(), filter, update).Err()
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				changed++
			case !errors.Is(err, mongo.ErrNoDocuments):
				t.Error(err)
			}
		})
	}
	all.Wait()
	var doc struct{ N int }
	if err := coll.FindOne(t.Context(), bson.D{{Key: "_id", Value: id}}).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return changed, doc.N
}

// increments has every writer add one; none may be lost.
func increments(t *testing.T, coll *mongo.Collection) (lost int) {
	_, n := race(t, coll, nil, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}})
	return writers - n
}

// comparesAndSets has every writer set n where it is still 0; one may win.
func comparesAndSets(t *testing.T, coll *mongo.Collection) (winners int) {
	winners, _ = race(t, coll, bson.D{{Key: "n", Value: 0}}, bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: 1}}}})
	return winners
}

func TestUpdatesAreAtomicBehindTheGate(t *testing.T) {
	coll := connect(t, start(t).uri)
	for range 5 {
		if lost := increments(t, coll); lost != 0 {
			t.Errorf("%d of %d increments are lost", lost, writers)
		}
		if winners := comparesAndSets(t, coll); winners != 1 {
			t.Errorf("%d of %d compare-and-sets won", winners, writers)
		}
	}
}

// If this fails, FerretDB's updates have become atomic: the gate can go.
func TestUpdatesAreNotAtomicWithoutTheGate(t *testing.T) {
	coll := connect(t, start(t, "-gate=false").uri)
	for round := range 50 {
		lost, winners := increments(t, coll), comparesAndSets(t, coll)
		if lost > 0 || winners > 1 {
			t.Logf("round %d: %d of %d increments lost, %d compare-and-sets won", round, lost, writers, winners)
			return
		}
	}
	t.Error("no update was lost in 50 rounds")
}

// The gate relies on these: a stream of heartbeats would hold it, and so would a reply that never comes.
func TestGateServesWhatDriversDo(t *testing.T) {
	coll := connect(t, start(t).uri)
	var hello bson.M
	if err := coll.Database().RunCommand(t.Context(), bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		t.Fatal(err)
	}
	if hello["topologyVersion"] != nil {
		t.Error("FerretDB announces a topologyVersion: drivers now ask it for streams of heartbeats")
	}

	unacknowledged := coll.Clone(options.Collection().SetWriteConcern(writeconcern.Unacknowledged()))
	for range 100 {
		if _, err := unacknowledged.InsertOne(t.Context(), bson.D{}); err != nil {
			t.Fatal(err)
		}
		ping(t, coll)
	}
	if n, err := coll.CountDocuments(t.Context(), bson.D{}); err != nil || n != 100 {
		t.Errorf("%d of 100 unacknowledged inserts arrived, %v", n, err)
	}
}
