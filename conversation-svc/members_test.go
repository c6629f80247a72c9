package conversation_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

func (w *world) add(ownerID, conversationID, userID string) servertest.Answer {
	w.t.Helper()
	return w.call(ownerID, http.MethodPost, "/v1/conversations/"+conversationID+"/members", object{"user_id": userID})
}

func (w *world) remove(actorID, conversationID, userID string) servertest.Answer {
	w.t.Helper()
	return w.call(actorID, http.MethodDelete, "/v1/conversations/"+conversationID+"/members/"+userID, nil)
}

func (w *world) leave(userID, conversationID string) servertest.Answer {
	w.t.Helper()
	return w.call(userID, http.MethodPost, "/v1/conversations/"+conversationID+"/leave", nil)
}

func TestANewMemberSeesNothingEarlier(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		c := w.group("ann", "bob")
		w.messages.send(t, "ann", c.ID, "before")
		w.messages.set(func(m *messages) { m.raises = false })
		w.messages.send(t, "bob", c.ID, "before, and the head does not know")
		type added struct {
			Member conversation.MemberView `json:"member"`
		}
		want := conversation.MemberView{UserID: "cid", Role: peer.RoleMember, ReadSeq: 2}
		if got := servertest.Want[added](t, http.StatusCreated, w.add("ann", c.ID, "cid")).Member; got != want {
			t.Errorf("the member is %+v, want %+v", got, want)
		}
		w.messages.send(t, "bob", c.ID, "after")
		if got := servertest.Want[added](t, http.StatusOK, w.add("ann", c.ID, "cid")).Member; got != want {
			t.Errorf("added again the member is %+v, want %+v", got, want)
		}
		if got := w.inbox("cid", "").Items[0]; got.LastMessage != nil || got.FromSeq != 2 || got.Unread != 0 {
			t.Errorf("in her inbox it is %+v", got)
		}
	})
}

func TestFormerMembersAreStrangers(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		c := w.group("ann", "bob", "cid")
		servertest.Want[struct{}](t, http.StatusNoContent, w.remove("ann", c.ID, "bob"))
		servertest.Want[struct{}](t, http.StatusNoContent, w.leave("cid", c.ID))
		path := "/v1/conversations/" + c.ID
		for _, userID := range []string{"bob", "cid", "eve"} {
			for _, a := range []servertest.Answer{
				w.call(userID, http.MethodGet, path, nil),
				w.call(userID, http.MethodPatch, path, object{"title": "x"}),
				w.call(userID, http.MethodDelete, path, nil),
				w.call(userID, http.MethodDelete, path+"?for=all", nil),
				w.add(userID, c.ID, "dan"), w.remove(userID, c.ID, "ann"), w.leave(userID, c.ID), w.markRead(userID, c.ID, 0),
			} {
				w.refused(http.StatusNotFound, "conversation_not_found", a)
			}
			if page := w.inbox(userID, ""); len(page.Items) != 0 {
				t.Errorf("%s's inbox is %+v", userID, page)
			}
		}
		if got := w.get("ann", c.ID); got.MembersCount != 1 || len(got.Members) != 1 {
			t.Errorf("what is left is %+v", got)
		}
	})
}

func TestOnlyTheOwnerManagesAGroup(t *testing.T) {
	w := onSQLite(t)
	c, pair := w.group("ann", "bob", "cid"), w.direct(http.StatusCreated, "ann", "bob")
	path := "/v1/conversations/"
	for _, tt := range []struct {
		name   string
		answer servertest.Answer
		status int
		code   string
	}{
		{"a member renames", w.call("bob", http.MethodPatch, path+c.ID, object{"title": "x"}), 403, "not_owner"},
		{"a member adds", w.add("bob", c.ID, "dan"), 403, "not_owner"},
		{"a member removes another", w.remove("bob", c.ID, "cid"), 403, "not_owner"},
		{"a member deletes for all", w.call("bob", http.MethodDelete, path+c.ID+"?for=all", nil), 403, "not_owner"},
		{"a deletion for somebody", w.call("ann", http.MethodDelete, path+c.ID+"?for=bob", nil), 400, "invalid_field"},
		{"one who does not exist is added", w.add("ann", c.ID, "nobody"), 422, "no_such_user"},
		{"an id that is none is added", w.add("ann", c.ID, "a b"), 400, "invalid_field"},
		{"one who is no member is removed", w.remove("ann", c.ID, "eve"), 404, "member_not_found"},
		{"a blank title", w.call("ann", http.MethodPatch, path+c.ID, object{"title": ""}), 400, "invalid_field"},
		{"a direct one is renamed", w.call("ann", http.MethodPatch, path+pair.ID, object{"title": "x"}), 409, "direct_conversation"},
		{"a direct one is added to", w.add("ann", pair.ID, "cid"), 409, "direct_conversation"},
		{"a direct one is removed from", w.remove("ann", pair.ID, "bob"), 409, "direct_conversation"},
		{"a direct one is left", w.leave("ann", pair.ID), 409, "direct_conversation"},
		{"a direct one is deleted for all", w.call("ann", http.MethodDelete, path+pair.ID+"?for=all", nil), 409, "direct_conversation"},
		{"an id that is none", w.call("ann", http.MethodGet, path+"a%20b", nil), 400, "invalid_field"},
	} {
		t.Run(tt.name, func(*testing.T) { w.refused(tt.status, tt.code, tt.answer) })
	}
	servertest.Want[struct{}](t, http.StatusCreated, w.add("ann", c.ID, "dan"))
	w.refused(http.StatusConflict, "conversation_full", w.add("ann", c.ID, "eve"))
	renamed := servertest.Want[started](t, http.StatusOK, w.call("ann", http.MethodPatch, path+c.ID, object{"title": "new"}))
	if renamed.Conversation.Title != "new" || w.get("bob", c.ID).Title != "new" {
		t.Errorf("renamed it is %+v", renamed)
	}
}

func TestAnOwnerWhoLeavesIsFollowedByTheLongestMember(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		c := w.group("ann", "cid", "bob")
		servertest.Want[struct{}](t, http.StatusNoContent, w.leave("ann", c.ID))
		got := w.get("cid", c.ID)
		if got.Role != peer.RoleOwner || len(got.Members) != 2 || got.Members[0].Role != peer.RoleOwner || got.Members[1].Role != peer.RoleMember {
			t.Errorf("after the owner left it is %+v", got)
		}
		servertest.Want[struct{}](t, http.StatusNoContent, w.leave("cid", c.ID))
		servertest.Want[struct{}](t, http.StatusNoContent, w.leave("bob", c.ID))
		w.refused(http.StatusNotFound, "conversation_not_found", w.call("bob", http.MethodGet, "/v1/conversations/"+c.ID, nil))
	})
}

// unsteady is a store whose answers take longer now and then.
type unsteady struct{ conversation.Repository }

func (u unsteady) AddMember(ctx context.Context, a conversation.Addition) (conversation.Change, error) {
	change, err := u.Repository.AddMember(ctx, a)
	time.Sleep(time.Duration(change.Version%3) * time.Millisecond)
	return change, err
}

func TestChangesOfMembersAreToldInTheirOrder(t *testing.T) {
	w := newWorld(t, unsteady{openSQLite(t)(t)}, func(c *conversation.Config, _ *server.Env) { c.MaxMembers = 100 })
	c := w.group("ann")
	channel := chat.ConversationChannel(c.ID)
	heard := w.listen(channel)
	var running sync.WaitGroup
	for _, userID := range people[1:] {
		running.Go(func() {
			for range 5 {
				w.add("ann", c.ID, userID)
				w.remove("ann", c.ID, userID)
			}
		})
	}
	running.Wait()
	for version := int64(2); version <= int64(1+10*len(people[1:])); version++ {
		if got := next[chat.MemberEvent](heard, channel); got.Version != version || got.ConversationID != c.ID || !slices.Contains(people, got.UserID) {
			t.Fatalf("the event is %+v, want version %d", got, version)
		}
	}
}

func TestAMemberEventGoesToAllWhomItConcerns(t *testing.T) {
	w := onSQLite(t)
	c := w.group("ann")
	w.messages.send(t, "ann", c.ID, "before")
	channels := []string{chat.ConversationChannel(c.ID), chat.MembersChannel, chat.UserChannel("bob")}
	heard := w.listen(channels...)
	w.add("ann", c.ID, "bob")
	w.add("ann", c.ID, "bob") // changes nothing
	w.call("ann", http.MethodDelete, "/v1/conversations/"+c.ID+"?for=all", nil)
	added := chat.MemberEvent{Type: chat.MemberAdded, ConversationID: c.ID, UserID: "bob", Version: 2, FromSeq: 1}
	for _, channel := range channels {
		if got := next[chat.MemberEvent](heard, channel); got != added {
			t.Errorf("the event is %+v, want %+v", got, added)
		}
	}
	var removed []string
	for i := range 2 {
		got := next[chat.MemberEvent](heard, channels[0])
		removed = append(removed, fmt.Sprintf("%s %s %d", got.Type, got.UserID, got.Version))
		next[chat.MemberEvent](heard, channels[1])
		if got.UserID == "bob" {
			next[chat.MemberEvent](heard, channels[2])
		}
		if got.Version != int64(3+i) {
			t.Errorf("the event is %+v, want version %d", got, 3+i)
		}
	}
	slices.Sort(removed)
	if len(removed) != 2 || removed[0][:len("member.removed ann")] != "member.removed ann" {
		t.Errorf("the events are %v", removed)
	}
	w.refused(http.StatusNotFound, "conversation_not_found", w.call("ann", http.MethodGet, "/v1/conversations/"+c.ID, nil))
}

func TestAClearedHistoryIsToldToReplicasButToNoSocketOfHers(t *testing.T) {
	w := onSQLite(t)
	c := w.group("ann", "bob")
	w.messages.send(t, "ann", c.ID, "before")
	channels := []string{chat.ConversationChannel(c.ID), chat.MembersChannel}
	heard := w.listen(append(channels, chat.UserChannel("bob"))...)
	w.call("bob", http.MethodDelete, "/v1/conversations/"+c.ID, nil)
	w.add("ann", c.ID, "cid") // the next event on the first two
	cleared := chat.MemberEvent{Type: chat.MemberCleared, ConversationID: c.ID, UserID: "bob", Version: 2, FromSeq: 1}
	for _, want := range []string{chat.MemberCleared, chat.MemberAdded} {
		for _, channel := range channels {
			got := next[chat.MemberEvent](heard, channel)
			if got.Type != want || want == chat.MemberCleared && got != cleared || want == chat.MemberAdded && got.Version != 3 {
				t.Errorf("the event is %+v, want %s", got, want)
			}
		}
	}
}
