package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
)

func TestHistoryIsPagedToBothEnds(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob)
	const count = 23
	for i := range count {
		[]person{ann, bob}[i%2].send(t, chatID, fmt.Sprint(secret, i+1))
	}
	forward := all[chat.Message](t, bob, chatID, "after_seq", 5)
	var backward []chat.Message
	for position := ""; ; {
		got := want[page[chat.Message, int64]](t, 200, bob.call(t, "GET", "/v1/messages?limit=5&conversation_id="+chatID+position, nil))
		backward = append(backward, got.Items...)
		if got.HasMore != (got.Next != nil) {
			t.Fatalf("the page is %+v", got)
		}
		if !got.HasMore {
			break
		}
		position = fmt.Sprintf("&before_seq=%d", *got.Next)
	}
	slices.Reverse(backward)
	for name, messages := range map[string][]chat.Message{"forward": forward, "backward": backward} {
		if len(messages) != count {
			t.Fatalf("%s: %d messages", name, len(messages))
		}
		for i, m := range messages {
			if m.Seq != int64(i+1) || m.Body != fmt.Sprint(secret, i+1) {
				t.Fatalf("%s: message %d is %+v", name, i+1, m)
			}
		}
	}
	for query, wanted := range map[string]string{
		"before_seq=1":             `{"items":[],"next":null,"has_more":false}`,
		"after_seq=23":             `{"items":[],"next":23,"has_more":false}`,
		"after_rev=23":             `{"items":[],"next":23,"has_more":false}`,
		"after_rev=23&limit=1":     `{"items":[],"next":23,"has_more":false}`,
		"after_seq=23&limit=200":   `{"items":[],"next":23,"has_more":false}`,
		"before_seq=1&limit=200":   `{"items":[],"next":null,"has_more":false}`,
		"after_rev=9000&limit=200": `{"items":[],"next":9000,"has_more":false}`,
	} {
		if a := bob.call(t, "GET", "/v1/messages?conversation_id="+chatID+"&"+query, nil); a.body != wanted+"\n" {
			t.Errorf("%s: %s", query, a.body)
		}
	}
}

// Each event is in the feed once, and a reader who keeps the message of the highest rev has the final state.
func TestFeedTellsEachEventOnceAndLeadsToTheFinalState(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob)
	var messages []chat.Message
	for i := range 6 {
		messages = append(messages, ann.send(t, chatID, fmt.Sprint(secret, i)))
	}
	for i, m := range messages {
		switch i % 3 {
		case 0:
			want[sent](t, 200, ann.call(t, "PATCH", "/v1/messages/"+m.ID, map[string]string{"body": secret + " edited"}))
		case 1:
			want[sent](t, 200, ann.call(t, "DELETE", "/v1/messages/"+m.ID, nil))
		}
	}
	want[sent](t, 200, ann.call(t, "PATCH", "/v1/messages/"+messages[0].ID, map[string]string{"body": secret + " edited again"}))

	events := all[chat.Event](t, bob, chatID, "after_rev", 2)
	if len(events) != 6+4+1 {
		t.Fatalf("there are %d events, want 11", len(events))
	}
	state := map[int64]chat.Message{}
	for i, e := range events {
		if e.Rev != int64(i+1) || e.Message.Rev < e.Rev {
			t.Fatalf("event %d is %+v", i+1, e)
		}
		if e.Message.Rev > state[e.Message.Seq].Rev {
			state[e.Message.Seq] = *e.Message
		}
	}
	for _, m := range bob.history(t, chatID) {
		followed := state[m.Seq]
		deleted := m.Seq%3 == 2
		if followed.Body != m.Body || followed.Rev != m.Rev || (m.DeletedAt != nil) != deleted || deleted != (m.Body == "") {
			t.Fatalf("message %d is %+v, and the feed leads to %+v", m.Seq, m, followed)
		}
	}
	if m := bob.history(t, chatID)[0]; m.Body != secret+" edited again" || m.Rev != 11 {
		t.Fatalf("the message edited twice is %+v", m)
	}
}

func TestAuthorsEditAndAuthorsAndOwnersDelete(t *testing.T) {
	ann, bob, cid := register(t, underTest.url), register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob, cid)
	message := "/v1/messages/" + bob.send(t, chatID, secret).ID
	refuse(t, 403, "not_the_author", ann.call(t, "PATCH", message, map[string]string{"body": secret}))
	refuse(t, 403, "not_the_author", cid.call(t, "DELETE", message, nil))
	if m := want[sent](t, 200, ann.call(t, "DELETE", message, nil)).Message; m.AuthorID != bob.id || m.DeletedAt == nil || m.Body != "" {
		t.Fatalf("the owner's deletion leaves %+v", m)
	}
	direct := ann.direct(t, bob, secret)
	refuse(t, 403, "not_the_author", bob.call(t, "DELETE", "/v1/messages/"+bob.history(t, direct)[0].ID, nil))
}
