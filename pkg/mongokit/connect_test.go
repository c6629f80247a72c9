package mongokit_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/confab-chat/confab/pkg/mongokit"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
)

// commands keeps the last command of each name that a client sent.
type commands struct {
	mu   sync.Mutex
	last map[string]bson.Raw
}

func (c *commands) option() mongokit.Option {
	c.last = map[string]bson.Raw{}
	return mongokit.WithMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.last[e.CommandName] = append(bson.Raw{}, e.Command...)
	}})
}

// want checks a value in the last command of that name, given as extended JSON.
func (c *commands) want(t *testing.T, command, want string, path ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := c.last[command].Lookup(path...).String(); got != want {
		t.Errorf("%s: %s is %s, want %s", command, strings.Join(path, "."), got, want)
	}
}

// careless is a URI that asks for less than Confab promises.
func careless(t *testing.T) string {
	uri, query := mongotest.URI(t), "w=1&journal=false&readConcernLevel=available&readPreference=secondaryPreferred"
	if strings.Contains(uri, "?") {
		return uri + "&" + query
	}
	return uri + "?" + query
}

// connect returns a collection of a client that Connect made from a careless URI, and what it sends.
func connect(t *testing.T) (*mongo.Collection, *commands) {
	t.Helper()
	var sent commands
	client, err := mongokit.Connect(t.Context(), careless(t), sent.option())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
	return client.Database(mongotest.Database(t).Name()).Collection("things"), &sent
}

func TestConnectIsDurableWhateverTheURI(t *testing.T) {
	coll, sent := connect(t)
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	sent.want(t, "insert", `{"w": "majority","j": true}`, "writeConcern")
	if err := coll.FindOne(t.Context(), bson.D{{Key: "_id", Value: 1}}).Err(); err != nil {
		t.Fatal(err)
	}
	sent.want(t, "find", `{"level": "majority"}`, "readConcern")
}

func TestReads(t *testing.T) {
	coll, sent := connect(t)
	// As far off as a caller's own options could be.
	coll = coll.Clone(options.Collection().SetReadConcern(readconcern.Available()).SetWriteConcern(writeconcern.W1()))
	for level, reads := range map[string]*mongo.Collection{"majority": mongokit.Majority(coll), "local": mongokit.Local(coll)} {
		if _, err := reads.InsertOne(t.Context(), bson.D{{Key: "_id", Value: level}}); err != nil {
			t.Fatal(err)
		}
		sent.want(t, "insert", `{"w": "majority","j": true}`, "writeConcern")
		if err := reads.FindOne(t.Context(), bson.D{{Key: "_id", Value: level}}).Err(); err != nil {
			t.Fatal(err)
		}
		sent.want(t, "find", `{"level": "`+level+`"}`, "readConcern")
	}
}

func TestConnectBoundsOperationsWithoutDeadline(t *testing.T) {
	coll, sent := connect(t)
	if _, err := coll.InsertOne(context.WithoutCancel(t.Context()), bson.D{{Key: "_id", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	if limit := sent.last["insert"].Lookup("maxTimeMS").AsInt64(); limit <= 0 || limit > 10_000 {
		t.Errorf("maxTimeMS is %d, want up to 10 s", limit)
	}
}

func TestConnectFails(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	uris := map[string]string{
		"no URI":        "",
		"no MongoDB":    "http://user:hunter2@127.0.0.1/",
		"a bad escape":  "mongodb://user:hunter2%zz@127.0.0.1/",
		"a bad port":    "mongodb://user:hunter2@127.0.0.1:99999/",
		"a bad option":  "mongodb://user:hunter2@127.0.0.1/?readPreference=nearby",
		"silent server": "mongodb://user:hunter2@" + silent.Addr().String() + "/",
	}
	for name, uri := range uris {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			began := time.Now()
			client, err := mongokit.Connect(ctx, uri)
			if err == nil || client != nil {
				t.Fatalf("got client %v and error %v", client, err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the password: %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v, long after its context", took)
			}
		})
	}
}
