package conversation_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

func TestAnInboxIsReadPageByPage(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		var want []string
		for range 5 {
			want = append(want, w.group("ann", "bob").ID)
			time.Sleep(2 * time.Millisecond) // the activity has milliseconds
		}
		slices.Reverse(want)
		w.messages.send(t, "bob", want[4], "up")
		want = append(want[4:], want[:4]...)
		servertest.Want[struct{}](t, http.StatusNoContent, w.call("ann", http.MethodDelete, "/v1/conversations/"+want[1], nil))
		want = slices.Delete(want, 1, 2)
		var got []string
		for query := "?limit=2"; ; {
			page := w.inbox("ann", query)
			for _, c := range page.Items {
				got = append(got, c.ID)
			}
			if page.HasMore != (page.Next != nil) {
				t.Fatalf("has_more is %v, next is %v", page.HasMore, page.Next)
			}
			if !page.HasMore {
				break
			}
			query = "?limit=2&cursor=" + *page.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("the inbox is %v, want %v", got, want)
		}
		if bob := w.inbox("bob", ""); len(bob.Items) != 5 {
			t.Errorf("the other's inbox is %+v", bob)
		}
	})
}

func TestBadPagesAreRefused(t *testing.T) {
	w := onSQLite(t)
	for query, code := range map[string]string{
		"?limit=0": "", "?limit=200": "", "?limit=201": "invalid_field", "?limit=-1": "invalid_field", "?limit=x": "invalid_field",
		"?cursor=x": "invalid_field", "?cursor=MTIz": "invalid_field", "?cursor=LTE6YQ": "invalid_field", "?cursor=": "", "?page=2": "unknown_parameter",
		"?limit=1&limit=2": "invalid_field",
	} {
		a := w.call("ann", http.MethodGet, "/v1/conversations"+query, nil)
		if code == "" {
			servertest.Want[conversation.Inbox](t, http.StatusOK, a)
		} else {
			w.refused(http.StatusBadRequest, code, a)
		}
	}
}

func TestAClearedConversationComesBackWithTheNextMessage(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		c := w.direct(http.StatusCreated, "ann", "bob")
		w.messages.send(t, "bob", c.ID, "one")
		w.messages.set(func(m *messages) { m.raises = false })
		w.messages.send(t, "bob", c.ID, "two, and the head does not know")
		w.messages.set(func(m *messages) { m.raises = true })
		servertest.Want[struct{}](t, http.StatusNoContent, w.call("ann", http.MethodDelete, "/v1/conversations/"+c.ID, nil))
		if got := w.inbox("ann", ""); len(got.Items) != 0 {
			t.Errorf("cleared, her inbox is %+v", got)
		}
		if got := w.inbox("bob", ""); len(got.Items) != 1 || got.Items[0].LastMessage == nil {
			t.Errorf("the other's inbox is %+v", got)
		}
		if got := w.get("ann", c.ID); got.LastMessage != nil || got.FromSeq != 2 || got.Unread != 0 {
			t.Errorf("alone it is %+v", got)
		}
		w.walked(t, c.ID, 2)
		w.messages.send(t, "bob", c.ID, "three")
		got := w.inbox("ann", "")
		if len(got.Items) != 1 || got.Items[0].Unread != 1 || got.Items[0].LastMessage.Excerpt != "three" {
			t.Errorf("with a new message her inbox is %+v", got)
		}
	})
}

// walked raises the head over messages whose raises were lost, as message-svc does once it is told.
func (w *world) walked(t *testing.T, conversationID string, seq int64) {
	t.Helper()
	w.messages.mu.Lock()
	newest := w.messages.of[conversationID][seq-1]
	w.messages.mu.Unlock()
	if err := w.messages.raise(t.Context(), newest); err != nil {
		t.Fatal(err)
	}
}

func TestAnEmptyConversationCanBeCleared(t *testing.T) {
	w := onSQLite(t)
	c := w.direct(http.StatusCreated, "ann", "bob")
	servertest.Want[struct{}](t, http.StatusNoContent, w.call("ann", http.MethodDelete, "/v1/conversations/"+c.ID, nil))
	if ann, bob := w.inbox("ann", ""), w.inbox("bob", ""); len(ann.Items) != 0 || len(bob.Items) != 1 {
		t.Errorf("the inboxes are %+v and %+v", ann, bob)
	}
}

func TestReadingMovesForwardAndNoFurtherThanTheLastMessage(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		c := w.group("ann", "bob")
		for range 3 {
			w.messages.send(t, "ann", c.ID, "x")
		}
		w.messages.set(func(m *messages) { m.raises = false })
		w.messages.send(t, "ann", c.ID, "the head does not know")
		channel := chat.ConversationChannel(c.ID)
		heard := w.listen(channel)
		for _, tt := range []struct{ seq, want int64 }{{2, 2}, {1, 2}, {2, 2}, {0, 2}, {4, 4}} {
			got := servertest.Want[object](t, http.StatusOK, w.markRead("bob", c.ID, tt.seq))
			if got["read_seq"] != float64(tt.want) {
				t.Errorf("read to %d: answered %v, want %d", tt.seq, got, tt.want)
			}
		}
		for _, seq := range []int64{2, 4} {
			want := chat.ReadEvent{Type: chat.Read, ConversationID: c.ID, UserID: "bob", Seq: seq}
			if got := next[chat.ReadEvent](heard, channel); got != want {
				t.Errorf("the event is %+v, want %+v", got, want)
			}
		}
		for _, seq := range []int64{5, -1, 1 << 60} {
			w.refused(http.StatusBadRequest, "invalid_field", w.markRead("bob", c.ID, seq))
		}
		if got := w.get("bob", c.ID); got.ReadSeq != 4 || got.Unread != 0 || got.Members[1].ReadSeq != 4 || got.Members[0].ReadSeq != 3 {
			t.Errorf("it is %+v", got)
		}
	})
}

// deaf is a broker that never answers.
type deaf struct{ broker.Broker }

func (deaf) Publish(ctx context.Context, _ string, _ []byte) error {
	<-ctx.Done()
	return errors.New("the broker is away")
}

func TestABrokerThatIsAwayDelaysNoRequest(t *testing.T) {
	w := onSQLite(t, func(_ *conversation.Config, env *server.Env) { env.Broker = deaf{env.Broker} })
	began := time.Now()
	c := w.group("ann", "bob")
	servertest.Want[object](t, http.StatusCreated, w.add("ann", c.ID, "cid"))
	w.messages.send(t, "ann", c.ID, "hi")
	servertest.Want[object](t, http.StatusOK, w.markRead("bob", c.ID, 1))
	servertest.Want[struct{}](t, http.StatusNoContent, w.remove("ann", c.ID, "cid"))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the requests took %v", took)
	}
}
