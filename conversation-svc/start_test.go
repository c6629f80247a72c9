package conversation_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

func TestAPairHasOneConversation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		first := w.direct(http.StatusCreated, "ann", "bob")
		if first.Type != "direct" || first.PeerID != "bob" || first.Role != peer.RoleMember || first.MembersCount != 2 || first.LastMessage != nil {
			t.Errorf("it started as %+v", first)
		}
		if again := w.direct(http.StatusOK, "bob", "ann"); again.ID != first.ID || again.PeerID != "ann" {
			t.Errorf("the other one got %+v", again)
		}
		for _, userID := range []string{"ann", "bob"} {
			if page := w.inbox(userID, ""); len(page.Items) != 1 || page.Items[0].ID != first.ID || page.HasMore || page.Next != nil {
				t.Errorf("%s's inbox is %+v", userID, page)
			}
		}
	})
}

func TestAFirstMessageComesWithItsConversation(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		body := object{"type": "direct", "member_ids": []string{"bob"}, "message": object{"body": "hi", "client_msg_id": "1"}}
		first := w.start(http.StatusCreated, "ann", body)
		if first.Message == nil || first.Message.Seq != 1 || first.Message.ConversationID != first.Conversation.ID {
			t.Fatalf("the message is %+v", first.Message)
		}
		again := w.start(http.StatusOK, "ann", body)
		if again.Conversation.ID != first.Conversation.ID || again.Message.ID != first.Message.ID {
			t.Errorf("again it was %+v", again)
		}
		for userID, unread := range map[string]int64{"ann": 0, "bob": 1} {
			got := w.inbox(userID, "").Items[0]
			if got.Unread != unread || got.LastMessage == nil || got.LastMessage.Excerpt != "hi" || got.LastMessage.AuthorID != "ann" {
				t.Errorf("in %s's inbox it is %+v", userID, got)
			}
		}
		if bodies := w.messages.bodies(first.Conversation.ID); !slices.Equal(bodies, []string{"hi"}) {
			t.Errorf("the messages are %v", bodies)
		}
	})
}

func TestACrashAfterTheFirstMessageLeavesNothingBehindThatShows(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		body := object{"type": "direct", "member_ids": []string{"bob"}, "message": object{"body": "hi", "client_msg_id": "1"}}
		w.messages.set(func(m *messages) { m.crashAfter = true })
		w.refused(http.StatusInternalServerError, "internal", w.call("ann", http.MethodPost, "/v1/conversations", body))
		var orphan string
		w.messages.set(func(m *messages) {
			m.crashAfter = false
			for conversationID := range m.of {
				orphan = conversationID
			}
		})
		for _, userID := range []string{"ann", "bob"} {
			if page := w.inbox(userID, ""); len(page.Items) != 0 {
				t.Fatalf("after the crash %s's inbox is %+v", userID, page)
			}
		}
		retried := w.start(http.StatusCreated, "ann", body).Conversation
		for _, userID := range []string{"ann", "bob"} {
			if page := w.inbox(userID, ""); len(page.Items) != 1 || page.Items[0].ID != retried.ID {
				t.Errorf("after the retry %s's inbox is %+v", userID, page)
			}
			w.refused(http.StatusNotFound, "conversation_not_found", w.call(userID, http.MethodGet, "/v1/conversations/"+orphan, nil))
		}
		if bodies := w.messages.bodies(retried.ID); !slices.Equal(bodies, []string{"hi"}) {
			t.Errorf("the messages are %v", bodies)
		}
	})
}

func TestStartsAtOnceMakeOneConversationWithAllTheirMessages(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		const callers = 32
		answers := make([]servertest.Answer, callers)
		var running sync.WaitGroup
		for i := range callers {
			running.Go(func() {
				pair := [][2]string{{"ann", "bob"}, {"bob", "ann"}}[i%2]
				key := fmt.Sprint(i / 4) // each message twice
				answers[i] = w.call(pair[0], http.MethodPost, "/v1/conversations", object{
					"type": "direct", "member_ids": []string{pair[1]}, "message": object{"body": pair[0] + key, "client_msg_id": key},
				})
			})
		}
		running.Wait()
		created := 0
		var conversationID string
		for _, a := range answers {
			if a.Status == http.StatusCreated {
				created++
				conversationID = servertest.Want[started](t, http.StatusCreated, a).Conversation.ID
			}
		}
		if created != 1 {
			t.Fatalf("%d conversations were created", created)
		}
		for _, a := range answers {
			if a.Status != http.StatusCreated && servertest.Want[started](t, http.StatusOK, a).Conversation.ID != conversationID {
				t.Errorf("one got another conversation: %s", a.Body)
			}
		}
		bodies := w.messages.bodies(conversationID)
		slices.Sort(bodies)
		if len(bodies) != callers/2 || len(slices.Compact(bodies)) != callers/2 {
			t.Errorf("the messages are %v", bodies)
		}
	})
}

// lagging is a store that shows a conversation late, as a replica set does until a majority has it.
type lagging struct {
	conversation.Repository
	misses atomic.Int32
}

func (l *lagging) IDByDirectKey(ctx context.Context, key string) (string, error) {
	if l.misses.Add(-1) >= 0 {
		return l.Repository.IDByDirectKey(ctx, "nobody:none")
	}
	return l.Repository.IDByDirectKey(ctx, key)
}

func TestWhoLosesTheRaceWaitsUntilTheWinnerShows(t *testing.T) {
	store := &lagging{Repository: openSQLite(t)(t)}
	w := newWorld(t, store)
	c := w.direct(http.StatusCreated, "ann", "bob")
	body := object{"type": "direct", "member_ids": []string{"ann"}, "message": object{"body": "hi"}}
	store.misses.Store(4)
	if got := w.start(http.StatusOK, "bob", body); got.Conversation.ID != c.ID || got.Message.ConversationID != c.ID {
		t.Errorf("he got %+v, want %s", got, c.ID)
	}
	store.misses.Store(1000)
	w.refused(http.StatusServiceUnavailable, "start_unconfirmed", w.call("bob", http.MethodPost, "/v1/conversations", body))
}

func TestARetryIsTheSameGroup(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		body := object{
			"type": "group", "title": "team", "client_id": "g1", "member_ids": []string{"cid", "bob", "cid"}, "message": object{"body": "welcome"},
		}
		first := w.start(http.StatusCreated, "ann", body)
		again := w.start(http.StatusOK, "ann", body)
		if again.Conversation.ID != first.Conversation.ID || again.Message.ID != first.Message.ID {
			t.Errorf("the retry was %+v, first it was %+v", again, first)
		}
		if got := first.Conversation; got.Role != peer.RoleOwner || got.Title != "team" || len(got.Members) != 3 || got.Members[1].UserID != "cid" {
			t.Errorf("the group is %+v", got)
		}
		if other := w.start(http.StatusCreated, "bob", with(body, "member_ids", []string{"ann"})); other.Conversation.ID == first.Conversation.ID {
			t.Error("another's client id named the same group")
		}
		servertest.Want[struct{}](t, http.StatusNoContent, w.call("ann", http.MethodPost, "/v1/conversations/"+first.Conversation.ID+"/leave", nil))
		w.refused(http.StatusConflict, "client_id_used", w.call("ann", http.MethodPost, "/v1/conversations", body))
	})
}

// with returns the object with one field changed.
func with(o object, name string, value any) object {
	changed := maps.Clone(o)
	changed[name] = value
	return changed
}

func TestBadStartsChangeNothing(t *testing.T) {
	w := onSQLite(t)
	direct := object{"type": "direct", "member_ids": []string{"bob"}}
	group := object{"type": "group", "title": "team", "member_ids": []string{"bob"}}
	for _, tt := range []struct {
		name   string
		body   any
		status int
		code   string
	}{
		{"no type", with(direct, "type", ""), 400, "invalid_field"},
		{"an unknown type", with(direct, "type", "channel"), 400, "invalid_field"},
		{"nobody else", with(direct, "member_ids", []string{}), 400, "invalid_field"},
		{"two others in a direct one", with(direct, "member_ids", []string{"bob", "cid"}), 400, "invalid_field"},
		{"oneself", with(direct, "member_ids", []string{"ann"}), 422, "recipient_is_self"},
		{"oneself among others", with(group, "member_ids", []string{"bob", "ann"}), 422, "recipient_is_self"},
		{"one who does not exist", with(direct, "member_ids", []string{"nobody"}), 422, "no_such_user"},
		{"one who does not exist among others", with(group, "member_ids", []string{"bob", "nobody"}), 422, "no_such_user"},
		{"an id that is none", with(direct, "member_ids", []string{"a b"}), 400, "invalid_field"},
		{"an operator for an id", `{"type":"direct","member_ids":[{"$gt":""}]}`, 400, "invalid_field"},
		{"an operator for the type", `{"type":{"$gt":""},"member_ids":["bob"]}`, 400, "invalid_field"},
		{"a direct one with a title", with(direct, "title", "x"), 400, "invalid_field"},
		{"a group without a title", with(group, "title", " "), 400, "invalid_field"},
		{"a long title", with(group, "title", strings.Repeat("x", 257)), 400, "invalid_field"},
		{"a title with NUL", with(group, "title", "a\x00b"), 400, "invalid_field"},
		{"too many members", with(group, "member_ids", []string{"a", "b", "c", "d"}), 409, "conversation_full"},
		{"a client id that is none", with(group, "client_id", strings.Repeat("x", 65)), 400, "invalid_field"},
		{"a blank message", with(direct, "message", object{"body": " \n"}), 400, "invalid_field"},
		{"a long message", with(direct, "message", object{"body": strings.Repeat("x", chat.MaxBody+1)}), 400, "invalid_field"},
		{"a message key that is none", with(direct, "message", object{"body": "x", "client_msg_id": "ä"}), 400, "invalid_field"},
		{"an unknown field", with(direct, "owner", "ann"), 400, "unknown_field"},
		{"no JSON", "{", 400, "invalid_json"},
		{"no UTF-8", "{\"type\":\"\xff\"}", 400, "invalid_json"},
		{"a large body", `{"type":"` + strings.Repeat("x", 200<<10) + `"}`, 413, "body_too_large"},
	} {
		t.Run(tt.name, func(*testing.T) {
			w.refused(tt.status, tt.code, w.call("ann", http.MethodPost, "/v1/conversations", tt.body))
		})
	}
	if page := w.inbox("ann", ""); len(page.Items) != 0 {
		t.Errorf("the inbox is %+v", page)
	}
	if n := w.messages.calls["StoreFirst"]; n != 0 {
		t.Errorf("%d messages were stored", n)
	}
}

func TestANewConversationIsHintedToItsMembers(t *testing.T) {
	w := onSQLite(t)
	heard := w.listen(chat.UserChannel("bob"))
	c := w.start(http.StatusCreated, "ann", object{"type": "direct", "member_ids": []string{"bob"}, "message": object{"body": "hi"}}).Conversation
	want := chat.InboxEvent{Type: chat.Inbox, ConversationID: c.ID, Seq: 1, Rev: 1}
	if got := next[chat.InboxEvent](heard, chat.UserChannel("bob")); got != want {
		t.Errorf("the hint is %+v, want %+v", got, want)
	}
	before := time.Now()
	for range 5 {
		w.messages.send(t, "ann", c.ID, "more")
	}
	want.Seq, want.Rev = 6, 6
	if got := next[chat.InboxEvent](heard, chat.UserChannel("bob")); got != want {
		t.Errorf("the next hint is %+v %v later, want %+v", got, time.Since(before), want)
	}
}
