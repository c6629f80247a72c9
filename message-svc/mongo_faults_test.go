package message_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/mongokit"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
)

func newDraft(op message.Op, of int64, key string) message.Draft {
	return message.Draft{ID: "id-" + key, Op: op, Of: of, AuthorID: "ann", ClientMsgID: key, Body: key, At: chat.Now()}
}

// A replica stored a change and died before it brought it to its message.
func TestChangeOfADeadReplicaIsAppliedByWhoeverComesNext(t *testing.T) {
	for name, next := range map[string]func(*testing.T, message.Repository){
		"a writer takes the number behind it": func(t *testing.T, r message.Repository) {
			if o := r.Append(t.Context(), "c", []message.Draft{newDraft(message.OpCreate, 0, "two")})[0]; o.Err != nil || o.N != 3 || o.Message.Seq != 2 {
				t.Fatalf("the next message is %+v", o)
			}
		},
		"a reader reads past it": func(t *testing.T, r message.Repository) {
			events, err := r.Feed(t.Context(), "c", 1, 10)
			if err != nil || len(events) != 1 || events[0].Message.Body != "edited" || events[0].Message.Rev != 2 {
				t.Fatalf("the feed is %+v, %v", events, err)
			}
		},
		"its client sends it again": func(t *testing.T, r message.Repository) {
			o := r.Append(t.Context(), "c", []message.Draft{newDraft(message.OpEdit, 1, "edit")})[0]
			if o.Err != nil || o.N != 2 || o.Message.Body != "edited" {
				t.Fatalf("the edit again is %+v", o)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := mongotest.Database(t)
			r, err := message.NewMongoRepository(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			if o := r.Append(t.Context(), "c", []message.Draft{newDraft(message.OpCreate, 0, "one")})[0]; o.Err != nil {
				t.Fatal(o.Err)
			}
			leaveChange(t, db, 2)
			other, err := message.NewMongoRepository(t.Context(), mongotest.Again(t, db))
			if err != nil {
				t.Fatal(err)
			}
			next(t, other)
			m, err := r.Get(t.Context(), "id-one")
			if err != nil || m.Body != "edited" || m.Rev != 2 {
				t.Fatalf("the message is %+v, %v", m, err)
			}
			var change struct{ Body string }
			err = db.Collection("messages").FindOne(t.Context(), bson.D{{Key: "_id", Value: "change"}}).Decode(&change)
			if err != nil || change.Body != "" {
				t.Fatalf("the applied change keeps the body %q, %v", change.Body, err)
			}
		})
	}
}

func leaveChange(t *testing.T, db *mongo.Database, n int64) {
	t.Helper()
	_, err := db.Collection("messages").InsertOne(t.Context(), bson.D{
		{Key: "_id", Value: "change"}, {Key: "conversation_id", Value: "c"}, {Key: "n", Value: n}, {Key: "seq", Value: -n}, {Key: "rev", Value: n},
		{Key: "op", Value: message.OpEdit}, {Key: "of", Value: int64(1)}, {Key: "applied", Value: false}, {Key: "author_id", Value: "ann"},
		{Key: "client_msg_id", Value: "edit"}, {Key: "body", Value: "edited"}, {Key: "created_at", Value: time.Now()},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The answer to an insert is lost on its way: nothing is confirmed, everything may be stored.
func TestLostAnswersLoseAndDoubleNothing(t *testing.T) {
	db := mongotest.Database(t)
	wire := &lossyWire{}
	client, err := mongokit.Connect(t.Context(), mongotest.URI(t), func(o *options.ClientOptions) { o.SetDialer(wire) })
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(context.Background())
	r, err := message.NewMongoRepository(t.Context(), client.Database(db.Name()))
	if err != nil {
		t.Fatal(err)
	}
	n, seq := int64(0), int64(0)
	for round := range 6 {
		wire.lose.Store(int32(round % 3)) // none, one, two answers in a row
		drafts := []message.Draft{newDraft(message.OpCreate, 0, fmt.Sprint("a", round)), newDraft(message.OpCreate, 0, fmt.Sprint("b", round)),
			newDraft(message.OpEdit, 1, fmt.Sprint("e", round)), newDraft(message.OpCreate, 0, fmt.Sprint("c", round))}
		for i, o := range r.Append(t.Context(), "c", drafts) {
			n++
			if o.Err != nil || o.N != n || o.ID != drafts[i].ID {
				t.Fatalf("round %d, draft %d: %+v, want n %d", round, i, o, n)
			}
		}
		seq += 3
	}
	last, err := r.Last(t.Context(), "c")
	if err != nil || last.Rev != n || last.Seq != seq {
		t.Fatalf("last is %+v, %v; want rev %d, seq %d", last, err, n, seq)
	}
	if wire.lost.Load() == 0 {
		t.Fatal("no answer was lost")
	}
}

// After an outage the clients of a whole batch send it again, to whichever replica, in one with new drafts.
func TestABatchSentAgainIsLookedUpAtOnce(t *testing.T) {
	const resent, fresh, most = 40, 5, 5 // commands: the newest write and message, an insert, what of it is stored, and the rest
	db := mongotest.Database(t)
	first, err := message.NewMongoRepository(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	var drafts []message.Draft
	for i := range resent {
		drafts = append(drafts, newDraft(message.OpCreate, 0, fmt.Sprint("a", i)))
	}
	for _, o := range first.Append(t.Context(), "c", append(drafts[:resent:resent], newDraft(message.OpEdit, 1, "edit"))) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	for i := range fresh {
		drafts = append(drafts, newDraft(message.OpCreate, 0, fmt.Sprint("b", i)))
	}

	var commands atomic.Int32
	counted := mongokit.WithMonitor(&event.CommandMonitor{Started: func(context.Context, *event.CommandStartedEvent) { commands.Add(1) }})
	client, err := mongokit.Connect(t.Context(), mongotest.URI(t), counted)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(context.Background())
	other, err := message.NewMongoRepository(t.Context(), client.Database(db.Name()))
	if err != nil {
		t.Fatal(err)
	}
	commands.Store(0)
	for i, o := range other.Append(t.Context(), "c", drafts) {
		want := int64(i + 1)
		if i >= resent {
			want++ // the edit took a number
		}
		if o.Err != nil || o.N != want || o.ID != drafts[i].ID {
			t.Fatalf("draft %d: %+v, want n %d", i, o, want)
		}
	}
	if n := commands.Load(); n > most {
		t.Errorf("%d drafts of which %d were stored took %d commands, want at most %d", len(drafts), resent, n, most)
	}
}

// lossyWire dials connections that lose answers to inserts.
type lossyWire struct {
	lose, lost atomic.Int32
}

func (w *lossyWire) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return &lossyConn{Conn: conn, wire: w}, err
}

type lossyConn struct {
	net.Conn
	wire *lossyWire
}

func (c *lossyConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil || !bytes.Contains(b, []byte("insert\x00")) || c.wire.lose.Add(-1) < 0 {
		return n, err
	}
	c.wire.lost.Add(1)
	if _, err := c.Read(make([]byte, 1)); err != nil { // the server has answered, so it has stored
		return n, err
	}
	return n, c.Close()
}
