package e2e_test

import (
	"sync"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
)

func TestMessageWithOneKeyIsOneMessage(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chat, other := ann.group(t, bob), ann.group(t, bob)
	body := map[string]string{"conversation_id": chat, "body": secret, "client_msg_id": "k1"}
	first := want[sent](t, 201, ann.call(t, "POST", "/v1/messages", body)).Message
	body["body"] = secret + " changed"
	if again := want[sent](t, 200, ann.call(t, "POST", "/v1/messages", body)).Message; again.ID != first.ID || again.Body != secret {
		t.Fatalf("the retry is %+v, want the first as it was", again)
	}
	if bobs := want[sent](t, 201, bob.call(t, "POST", "/v1/messages", body)).Message; bobs.Seq != 2 {
		t.Fatalf("another author's message of that key is %+v", bobs)
	}
	body["conversation_id"] = other
	want[sent](t, 201, ann.call(t, "POST", "/v1/messages", body))
	if h := bob.history(t, chat); len(h) != 2 {
		t.Fatalf("the conversation holds %d messages, want 2", len(h))
	}
}

func TestRetriesThatRaceAreOneMessage(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob)
	messages := make([]chat.Message, 16)
	codes := make([]int, len(messages))
	var senders sync.WaitGroup
	for i := range messages {
		senders.Go(func() {
			a := ann.call(t, "POST", "/v1/messages", map[string]string{"conversation_id": chatID, "body": secret, "client_msg_id": "k1"})
			if codes[i] = a.status; a.status < 300 {
				messages[i] = want[sent](t, a.status, a).Message
			}
		})
	}
	senders.Wait()
	created := 0
	for i, code := range codes {
		if code == 201 {
			created++
		}
		if code > 201 || messages[i].ID != messages[0].ID {
			t.Fatalf("%v: %+v", codes, messages)
		}
	}
	if h := bob.history(t, chatID); created != 1 || len(h) != 1 {
		t.Fatalf("%d answers of 201 and %d messages, want one of each", created, len(h))
	}
}

func TestEditWithOneKeyIsOneEdit(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chat := ann.group(t, bob)
	first, second := ann.send(t, chat, secret+" 1"), ann.send(t, chat, secret+" 2")
	edit := map[string]string{"body": secret + " edited", "client_msg_id": "e1"}
	want[sent](t, 200, ann.call(t, "PATCH", "/v1/messages/"+first.ID, edit))
	edit["body"] = secret + " edited otherwise"
	if again := want[sent](t, 200, ann.call(t, "PATCH", "/v1/messages/"+first.ID, edit)).Message; again.Body != secret+" edited" || again.Rev != 3 {
		t.Fatalf("the retry is %+v", again)
	}
	refuse(t, 409, "client_msg_id_reused", ann.call(t, "PATCH", "/v1/messages/"+second.ID, edit))
	refuse(t, 409, "client_msg_id_reused", ann.call(t, "POST", "/v1/messages",
		map[string]string{"conversation_id": chat, "body": secret, "client_msg_id": "e1"}))
	if events := bob.feed(t, chat); len(events) != 3 {
		t.Fatalf("the feed has %d events, want 3", len(events))
	}
}

func TestDeletionMayBeRepeated(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chat := ann.group(t, bob)
	message := ann.send(t, chat, secret)
	first := want[sent](t, 200, ann.call(t, "DELETE", "/v1/messages/"+message.ID, nil)).Message
	again := want[sent](t, 200, ann.call(t, "DELETE", "/v1/messages/"+message.ID, nil)).Message
	if again.Rev != first.Rev || again.DeletedAt.String() != first.DeletedAt.String() || first.Body != "" {
		t.Fatalf("%+v, then %+v", first, again)
	}
	refuse(t, 409, "message_deleted", ann.call(t, "PATCH", "/v1/messages/"+message.ID, map[string]string{"body": secret}))
}

func TestDirectConversationIsStartedOnce(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	start := func(p, other person, key string) answer {
		return p.call(t, "POST", "/v1/conversations", map[string]any{
			"type": "direct", "member_ids": []string{other.id}, "message": map[string]string{"body": secret, "client_msg_id": key},
		})
	}
	first := want[started](t, 201, start(ann, bob, "k1"))
	again := want[started](t, 200, start(ann, bob, "k1"))
	bobs := want[started](t, 200, start(bob, ann, "k1"))
	if again.Message.ID != first.Message.ID || again.Conversation.ID != first.Conversation.ID || bobs.Conversation.ID != first.Conversation.ID {
		t.Fatalf("%+v, %+v, %+v", first, again, bobs)
	}
	if bobs.Message.Seq != 2 || bobs.Conversation.PeerID != ann.id || first.Conversation.PeerID != bob.id {
		t.Fatalf("bob's start is %+v", bobs)
	}
}

func TestDirectStartsThatRaceMeet(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	var ids sync.Map
	var starters sync.WaitGroup
	for range 8 {
		starters.Go(func() { ids.Store(ann.direct(t, bob, secret), true) })
		starters.Go(func() { ids.Store(bob.direct(t, ann, secret), true) })
	}
	starters.Wait()
	var found []string
	ids.Range(func(id, _ any) bool { found = append(found, id.(string)); return true })
	if len(found) != 1 {
		t.Fatalf("the pair has the conversations %v", found)
	}
	if h := ann.history(t, found[0]); len(h) != 16 || h[15].Seq != 16 {
		t.Fatalf("the conversation holds %d messages, want 16", len(h))
	}
}

func TestGroupOfOneClientIDIsOneGroup(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	body := map[string]any{
		"type": "group", "title": "Lunch", "member_ids": []string{bob.id}, "client_id": "g1", "message": map[string]string{"body": secret},
	}
	first := want[started](t, 201, ann.call(t, "POST", "/v1/conversations", body))
	body["title"] = "Dinner"
	again := want[started](t, 200, ann.call(t, "POST", "/v1/conversations", body))
	if again.Conversation.ID != first.Conversation.ID || again.Conversation.Title != "Lunch" || again.Message.ID != first.Message.ID {
		t.Fatalf("%+v, then %+v", first, again)
	}
	want[any](t, 204, ann.call(t, "POST", "/v1/conversations/"+first.Conversation.ID+"/leave", nil))
	refuse(t, 409, "client_id_used", ann.call(t, "POST", "/v1/conversations", body))
}

func TestMembershipAndReadPositionMayBeSetAgain(t *testing.T) {
	ann, bob, cid := register(t, underTest.url), register(t, underTest.url), register(t, underTest.url)
	chat := ann.group(t, bob)
	ann.send(t, chat, secret)
	path := "/v1/conversations/" + chat
	for _, status := range []int{201, 200, 200} {
		want[any](t, status, ann.call(t, "POST", path+"/members", map[string]string{"user_id": cid.id}))
	}
	for _, seq := range []int{1, 1, 0} { // never backwards
		if a := bob.call(t, "PUT", path+"/read", map[string]int{"seq": seq}); a.status != 200 || a.body != `{"read_seq":1}`+"\n" {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	want[any](t, 204, ann.call(t, "DELETE", path+"/members/"+cid.id, nil))
	refuse(t, 404, "member_not_found", ann.call(t, "DELETE", path+"/members/"+cid.id, nil))
	for range 2 {
		want[any](t, 204, bob.call(t, "DELETE", path, nil))
	}
}
