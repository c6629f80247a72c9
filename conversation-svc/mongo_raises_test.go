package conversation_test

import (
	"testing"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/mongokit/mongotest"
	"github.com/confab-chat/confab/pkg/peer"
)

// One replica's raise is held before each of its commands in turn, and another's, of the messages before, is done whole in between. Either the
// head moves, or the answer says that it lags.
func TestARaiseThatAnotherOneMeetsIsDoneOrRefused(t *testing.T) {
	db := mongotest.Database(t)
	other, err := conversation.NewMongo(t.Context(), mongotest.Again(t, db))
	other = closing(t, other, err)
	one := newInterrupted(t, db)
	nth := 1
	for ; ; nth++ {
		c := newGroup(t, other)
		raise := func(r conversation.Repository, seq int64) int64 {
			newest := peer.Head{Seq: seq, Rev: seq, Excerpt: "hello", AuthorID: "ann", At: chat.Now()}
			raised, err := r.RaiseHeads(t.Context(), []peer.Raise{{ConversationID: c, FromSeq: seq, Newest: newest}})
			if err != nil {
				t.Fatal(err)
			}
			return raised[0].HeadSeq
		}
		raise(other, 1)
		happened := one.before(nth, func() { raise(other, 2) })
		answered := raise(one, 3)
		if !happened() {
			break
		}
		entry, err := other.Get(t.Context(), c, "ann")
		if err != nil {
			t.Fatal(err)
		}
		if answered >= 2 && entry.Head.Seq != 3 {
			t.Errorf("before command %d: the answer is %d, and the head stays at %d", nth, answered, entry.Head.Seq)
		}
	}
	if nth < 3 {
		t.Errorf("a raise has %d commands: there was nothing to come between", nth-1)
	}
}
