package e2e_test

import (
	"slices"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
)

// The README's first chat, step by step.
func TestWalkthroughOfTheReadme(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)

	found := want[page[struct {
		ID string `json:"id"`
	}, string]](t, 200, ann.call(t, "GET", "/v1/users?email="+bob.email, nil))
	if len(found.Items) != 1 || found.Items[0].ID != bob.id {
		t.Fatalf("ann finds %+v", found)
	}
	chatID := want[started](t, 201, ann.call(t, "POST", "/v1/conversations", map[string]any{
		"type": "direct", "member_ids": []string{found.Items[0].ID}, "message": map[string]string{"body": secret + " Hi Bob"},
	})).Conversation.ID

	if inbox := bob.inbox(t); len(inbox) != 1 || inbox[0].ID != chatID || inbox[0].Unread != 1 || inbox[0].LastMessage.Excerpt != secret+" Hi Bob" {
		t.Fatalf("bob's inbox is %+v", inbox)
	}
	listener := bob.with("").dial(t)
	if f, _ := listener.command(map[string]any{"type": "auth", "token": bob.token}); f.Type != "reply" {
		t.Fatalf("auth: %+v", f)
	}
	if f := listener.join(chatID); f.Type != "reply" || f.Joined.Rev != 1 {
		t.Fatalf("join: %+v", f)
	}

	lunch := map[string]string{"conversation_id": chatID, "body": secret + " Lunch?", "client_msg_id": "lunch-1"}
	message := want[sent](t, 201, ann.call(t, "POST", "/v1/messages", lunch)).Message
	if again := want[sent](t, 200, ann.call(t, "POST", "/v1/messages", lunch)).Message; again.ID != message.ID {
		t.Fatalf("the second message of one key is %+v", again)
	}
	edited := want[sent](t, 200, ann.call(t, "PATCH", "/v1/messages/"+message.ID, map[string]string{"body": secret + " Lunch at noon?"})).Message
	if edited.Rev != 3 || edited.EditedAt == nil {
		t.Fatalf("the edited message is %+v", edited)
	}
	if f := listener.until(chat.MessageCreated); f.Rev != 2 || f.Message.ID != message.ID {
		t.Fatalf("the socket hears %+v", f)
	}
	if f := listener.until(chat.MessageUpdated); f.Rev != 3 || f.Message.Body != secret+" Lunch at noon?" {
		t.Fatalf("the socket hears %+v", f)
	}

	newest := want[page[chat.Message, int64]](t, 200, bob.call(t, "GET", "/v1/messages?conversation_id="+chatID, nil))
	if len(newest.Items) != 2 || newest.Items[0].ID != message.ID || newest.Items[0].Body != edited.Body || newest.Next != nil {
		t.Fatalf("the history is %+v", newest)
	}
	kinds := []string{chat.MessageCreated, chat.MessageCreated, chat.MessageUpdated}
	for i, e := range bob.feed(t, chatID) {
		if e.Rev != int64(i+1) || e.Type != kinds[i] || e.ConversationID != chatID || i > 0 && e.Message.Rev != 3 {
			t.Fatalf("event %d is %+v", i+1, e)
		}
	}
}

func TestSocketResumesWhereItLeftOff(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob)
	for range 3 {
		ann.send(t, chatID, secret)
	}
	f, before := bob.dial(t).command(map[string]any{"type": "join", "conversation": chatID, "rev": 1})
	before = slices.DeleteFunc(before, func(f frame) bool { return f.Type == chat.Inbox }) // a hint may come at any time
	if f.Type != "reply" || f.Joined.Rev != 3 || len(before) != 2 || before[0].Rev != 2 || before[1].Rev != 3 {
		t.Fatalf("%+v after %+v", f, before)
	}
	s := bob.dial(t)
	if f, _ := s.command(map[string]any{"type": "send", "conversation": chatID, "body": secret, "client_msg_id": "k1"}); f.Message == nil || f.Message.Seq != 4 {
		t.Fatalf("send: %+v", f)
	}
	again := bob.call(t, "POST", "/v1/messages", map[string]string{"conversation_id": chatID, "body": secret, "client_msg_id": "k1"})
	want[sent](t, 200, again) // one message, whichever road it came by
}
