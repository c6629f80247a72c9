package conversation_test

import (
	"context"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/mongokit"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
)

// interrupted is a repository in which something happens before a certain command is sent.
type interrupted struct {
	conversation.Repository
	countdown atomic.Int64 // commands until then
	happens   func()
}

func newInterrupted(t *testing.T, db *mongo.Database) *interrupted {
	t.Helper()
	i := &interrupted{}
	client, err := mongokit.Connect(t.Context(), mongotest.URI(t), mongokit.WithMonitor(&event.CommandMonitor{
		Started: func(context.Context, *event.CommandStartedEvent) {
			if i.countdown.Add(-1) == 0 {
				i.happens()
			}
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	repo, err := conversation.NewMongo(t.Context(), client.Database(db.Name()))
	i.Repository = closing(t, repo, err)
	return i
}

// before has something happen before the nth command from now on. Happened reports whether it has come to that, and calls it off.
func (i *interrupted) before(nth int, happens func()) (happened func() bool) {
	i.happens = happens
	i.countdown.Store(int64(nth))
	return func() bool { return i.countdown.Swap(0) <= 0 }
}

func newGroup(t *testing.T, r conversation.Repository) string {
	t.Helper()
	c := conversation.NewGroup("ann", "team", "")
	if err := r.Insert(t.Context(), c, []string{"ann"}); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func addFrom(t *testing.T, r conversation.Repository, conversationID, userID string, fromSeq int64) {
	t.Helper()
	_, err := r.AddMember(t.Context(), conversation.Addition{ConversationID: conversationID, OwnerID: "ann", UserID: userID, FromSeq: fromSeq, Cap: 9})
	if err != nil {
		t.Fatal(err)
	}
}

func standing(t *testing.T, r conversation.Repository, conversationID, userID string) conversation.Standing {
	t.Helper()
	entry, err := r.Get(t.Context(), conversationID, userID)
	if err != nil {
		t.Fatal(err)
	}
	return entry.Standing
}

// One replica's addition is held before each of its commands in turn, and another's is done whole in between.
func TestAnotherReplicasAdditionMovesNoMembersHistory(t *testing.T) {
	db := mongotest.Database(t)
	other, err := conversation.NewMongo(t.Context(), mongotest.Again(t, db))
	other = closing(t, other, err)
	one := newInterrupted(t, db)
	for name, meanwhile := range map[string]func(conversationID string){
		"one that starts earlier": func(conversationID string) { addFrom(t, other, conversationID, "bob", 5) },
		"one that starts later":   func(conversationID string) { addFrom(t, other, conversationID, "bob", 12) },
		"she is removed, and added again": func(conversationID string) {
			addFrom(t, other, conversationID, "bob", 5)
			if _, err := other.RemoveMember(t.Context(), conversationID, "bob", "bob"); err != nil {
				t.Error(err)
			}
			addFrom(t, other, conversationID, "bob", 12)
		},
	} {
		t.Run(name, func(t *testing.T) {
			nth := 1
			for ; ; nth++ {
				c := newGroup(t, other)
				var then conversation.Standing
				happened := one.before(nth, func() {
					meanwhile(c)
					then = standing(t, other, c, "bob")
				})
				addFrom(t, one, c, "bob", 9)
				if !happened() {
					break
				}
				if now := standing(t, one, c, "bob"); now != then {
					t.Errorf("before command %d she was added with %+v, and has %+v in the end", nth, then, now)
				}
			}
			if nth < 4 {
				t.Errorf("an addition has %d commands: there was nothing to come between", nth-1)
			}
		})
	}
}

func TestAnAdditionThatIsCutShortLeavesAMemberWholeOrNone(t *testing.T) {
	db := mongotest.Database(t)
	other, err := conversation.NewMongo(t.Context(), mongotest.Again(t, db))
	other = closing(t, other, err)
	one := newInterrupted(t, db)
	outcomes := map[bool]int{}
	for nth := 1; ; nth++ {
		c := newGroup(t, other)
		ctx, die := context.WithCancel(t.Context())
		happened := one.before(nth, die)
		_, err := one.AddMember(ctx, conversation.Addition{ConversationID: c, OwnerID: "ann", UserID: "bob", FromSeq: 9, Cap: 9})
		die()
		if !happened() {
			break
		}
		outcomes[err == nil]++
		addFrom(t, other, c, "bob", 12)
		then := standing(t, other, c, "bob")
		whole := then == conversation.Standing{FromSeq: 9, ReadSeq: 9, ClearedSeq: conversation.NotCleared}
		none := then == conversation.Standing{FromSeq: 12, ReadSeq: 12, ClearedSeq: conversation.NotCleared}
		if !whole && (!none || err == nil) { // after an error it may be either
			t.Errorf("cut before command %d, with the answer %v: added again she has %+v", nth, err, then)
		}
		addFrom(t, other, c, "cid", 12)
		var stored struct{ Arrivals []any }
		if err := db.Collection("conversations").FindOne(t.Context(), bson.D{{Key: "_id", Value: c}}).Decode(&stored); err != nil {
			t.Fatal(err)
		}
		if len(stored.Arrivals) != 0 {
			t.Errorf("cut before command %d, the next addition leaves %v behind", nth, stored.Arrivals)
		}
		if now := standing(t, other, c, "bob"); now != then {
			t.Errorf("cut before command %d, the next addition moves her from %+v to %+v", nth, then, now)
		}
	}
	if outcomes[true] == 0 || outcomes[false] == 0 {
		t.Errorf("the cuts came to %v: some are to lie before, and some after, she is in", outcomes)
	}
}

func TestWhoSeesTheVersionOfAClearingSeesWhatWasCleared(t *testing.T) {
	db := mongotest.Database(t)
	other, err := conversation.NewMongo(t.Context(), mongotest.Again(t, db))
	other = closing(t, other, err)
	one := newInterrupted(t, db)
	nth := 1
	for ; ; nth++ {
		c := newGroup(t, other)
		happened := one.before(nth, func() {
			sets, err := other.MemberSets(t.Context(), []string{c})
			if err != nil || len(sets) != 1 || sets[0].Version != 1 && sets[0].FromSeqs["ann"] != 7 {
				t.Errorf("before command %d the member sets are %+v, %v", nth, sets, err)
			}
		})
		if _, err := one.Clear(t.Context(), c, "ann", 7); err != nil {
			t.Fatal(err)
		}
		if !happened() {
			break
		}
	}
	if nth < 3 {
		t.Errorf("a clearing has %d commands: there was nothing to come between", nth-1)
	}
}
