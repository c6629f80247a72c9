package e2e_test

import (
	"slices"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
)

// roles returns who is in the conversation, the longest member first.
func (c conversation) roles() (ids, roles []string) {
	for _, m := range c.Members {
		ids, roles = append(ids, m.UserID), append(roles, m.Role)
	}
	return ids, roles
}

func TestOwnerBringsInAndTakesOutMembers(t *testing.T) {
	ann, bob, cid := register(t, underTest.url), register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob)
	ann.send(t, chatID, secret+" before")
	want[any](t, 201, ann.call(t, "POST", "/v1/conversations/"+chatID+"/members", map[string]string{"user_id": cid.id}))
	ann.send(t, chatID, secret+" after")

	ids, roles := cid.get(t, chatID).roles()
	if !slices.Equal(ids, []string{ann.id, bob.id, cid.id}) || !slices.Equal(roles, []string{"owner", "member", "member"}) {
		t.Fatalf("the members are %v, %v", ids, roles)
	}
	if h := cid.history(t, chatID); len(h) != 1 || h[0].Seq != 2 {
		t.Fatalf("the new member sees %+v, want what came after her", h)
	}
	if events := cid.feed(t, chatID); len(events) != 1 || events[0].Rev != 2 {
		t.Fatalf("the new member's feed is %+v", events)
	}
	refuse(t, 404, "message_not_found", cid.call(t, "GET", "/v1/messages/"+ann.history(t, chatID)[0].ID, nil))

	want[any](t, 204, ann.call(t, "DELETE", "/v1/conversations/"+chatID+"/members/"+cid.id, nil))
	eventually(t, "the former member is a stranger", func() bool {
		a := cid.call(t, "GET", "/v1/messages?conversation_id="+chatID, nil)
		return a.status == 404
	})
	refuse(t, 404, "conversation_not_found", cid.call(t, "POST", "/v1/messages", map[string]string{"conversation_id": chatID, "body": secret}))
	if inbox := cid.inbox(t); len(inbox) != 0 {
		t.Fatalf("her inbox holds %+v", inbox)
	}
	want[any](t, 201, ann.call(t, "POST", "/v1/conversations/"+chatID+"/members", map[string]string{"user_id": cid.id}))
	if h := cid.history(t, chatID); len(h) != 0 {
		t.Fatalf("one who comes again sees %+v", h)
	}
}

func TestOwnerWhoLeavesPassesTheGroupOn(t *testing.T) {
	ann, bob, cid := register(t, underTest.url), register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob)
	want[any](t, 201, ann.call(t, "POST", "/v1/conversations/"+chatID+"/members", map[string]string{"user_id": cid.id}))
	want[any](t, 204, ann.call(t, "POST", "/v1/conversations/"+chatID+"/leave", nil))
	refuse(t, 404, "conversation_not_found", ann.call(t, "GET", "/v1/conversations/"+chatID, nil))
	if ids, roles := cid.get(t, chatID).roles(); !slices.Equal(ids, []string{bob.id, cid.id}) || !slices.Equal(roles, []string{"owner", "member"}) {
		t.Fatalf("the members are %v, %v", ids, roles)
	}
	want[started](t, 200, bob.call(t, "PATCH", "/v1/conversations/"+chatID, map[string]string{"title": "Bob's"}))
	if c := cid.get(t, chatID); c.Title != "Bob's" || c.Role != "member" {
		t.Fatalf("cid sees %+v", c)
	}
	want[any](t, 204, cid.call(t, "POST", "/v1/conversations/"+chatID+"/leave", nil))
	want[any](t, 204, bob.call(t, "POST", "/v1/conversations/"+chatID+"/leave", nil))
	refuse(t, 404, "conversation_not_found", bob.call(t, "GET", "/v1/conversations/"+chatID, nil))
}

func TestOwnerEndsAGroupForAll(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob)
	ann.send(t, chatID, secret)
	want[any](t, 204, ann.call(t, "DELETE", "/v1/conversations/"+chatID+"?for=all", nil))
	for _, p := range []person{ann, bob} {
		refuse(t, 404, "conversation_not_found", p.call(t, "GET", "/v1/conversations/"+chatID, nil))
		eventually(t, "its messages are out of reach", func() bool {
			return p.call(t, "GET", "/v1/messages?conversation_id="+chatID, nil).status == 404
		})
	}
}

func TestDirectConversationHasNoOwnerAndKeepsItsTwo(t *testing.T) {
	ann, bob, cid := register(t, underTest.url), register(t, underTest.url), register(t, underTest.url)
	path := "/v1/conversations/" + ann.direct(t, bob, secret)
	for name, a := range map[string]answer{
		"a title":        ann.call(t, "PATCH", path, map[string]string{"title": "T"}),
		"another member": ann.call(t, "POST", path+"/members", map[string]string{"user_id": cid.id}),
		"one less":       ann.call(t, "DELETE", path+"/members/"+bob.id, nil),
		"oneself less":   ann.call(t, "DELETE", path+"/members/"+ann.id, nil),
		"a leave":        ann.call(t, "POST", path+"/leave", nil),
		"an end for all": ann.call(t, "DELETE", path+"?for=all", nil),
	} {
		t.Run(name, func(t *testing.T) { refuse(t, 409, "direct_conversation", a) })
	}
}

func TestGroupHasItsLimitOfMembers(t *testing.T) {
	c := own(t, "-max-members", "3")
	people := make([]person, 4)
	for i := range people {
		people[i] = register(t, c.url)
	}
	ann := people[0]
	refuse(t, 409, "conversation_full", ann.call(t, "POST", "/v1/conversations", map[string]any{
		"type": "group", "title": "T", "member_ids": []string{people[1].id, people[2].id, people[3].id},
	}))
	chatID := ann.group(t, people[1], people[2])
	refuse(t, 409, "conversation_full", ann.call(t, "POST", "/v1/conversations/"+chatID+"/members", map[string]string{"user_id": people[3].id}))
}

func TestMembersHearOfMembersOnTheirSockets(t *testing.T) {
	ann, bob, cid := register(t, underTest.url), register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob)
	listener, hers := bob.dial(t), cid.dial(t)
	if f := listener.join(chatID); f.Type != "reply" {
		t.Fatalf("join: %+v", f)
	}
	hers.command(map[string]any{"type": "ping"})
	want[any](t, 201, ann.call(t, "POST", "/v1/conversations/"+chatID+"/members", map[string]string{"user_id": cid.id}))
	for _, s := range []*socket{listener, hers} {
		if f := s.until(chat.MemberAdded); f.UserID != cid.id || f.ConversationID != chatID {
			t.Fatalf("the socket hears %+v", f)
		}
	}
	want[any](t, 204, ann.call(t, "DELETE", "/v1/conversations/"+chatID+"/members/"+cid.id, nil))
	for _, s := range []*socket{listener, hers} {
		if f := s.until(chat.MemberRemoved); f.UserID != cid.id {
			t.Fatalf("the socket hears %+v", f)
		}
	}
}
