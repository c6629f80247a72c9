package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
)

// sees waits until the conversation stands in the person's inbox as it should.
func (p person) sees(t *testing.T, chatID, what string, holds func(c conversation) bool) {
	t.Helper()
	eventually(t, what, func() bool {
		i := slices.IndexFunc(p.inbox(t), func(c conversation) bool { return c.ID == chatID })
		return i >= 0 && holds(p.inbox(t)[i])
	})
}

func TestUnreadCountsWhatOthersSentSinceSheRead(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chatID := ann.group(t, bob)
	var last chat.Message
	for i := range 3 {
		last = ann.send(t, chatID, fmt.Sprint(secret, i))
	}
	bob.sees(t, chatID, "three are unread", func(c conversation) bool { return c.Unread == 3 && c.LastMessage.Seq == 3 })
	ann.sees(t, chatID, "her own are read", func(c conversation) bool { return c.Unread == 0 && c.ReadSeq == 3 })

	listener := ann.dial(t)
	listener.join(chatID)
	want[any](t, 200, bob.call(t, "PUT", "/v1/conversations/"+chatID+"/read", map[string]int{"seq": 2}))
	if f := listener.until(chat.Read); f.UserID != bob.id || f.Seq != 2 {
		t.Fatalf("the author hears %+v", f)
	}
	bob.sees(t, chatID, "one is unread", func(c conversation) bool { return c.Unread == 1 && c.ReadSeq == 2 })

	want[sent](t, 200, ann.call(t, "DELETE", "/v1/messages/"+last.ID, nil))
	bob.sees(t, chatID, "a deleted one counts and has no text", func(c conversation) bool { return c.Unread == 1 && c.LastMessage.Excerpt == "" })
	bob.send(t, chatID, secret)
	bob.sees(t, chatID, "who writes has read", func(c conversation) bool { return c.Unread == 0 && c.ReadSeq == 4 })
	refuse(t, 400, "invalid_field", bob.call(t, "PUT", "/v1/conversations/"+chatID+"/read", map[string]int{"seq": 5}))
}

func TestClearedConversationComesBackWithTheNextMessage(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chatID := ann.direct(t, bob, secret+" old")
	want[any](t, 204, bob.call(t, "DELETE", "/v1/conversations/"+chatID, nil))
	if inbox := bob.inbox(t); len(inbox) != 0 {
		t.Fatalf("the inbox holds %+v", inbox)
	}
	if h, events := bob.history(t, chatID), bob.feed(t, chatID); len(h) != 0 || len(events) != 0 {
		t.Fatalf("he sees %+v and %+v", h, events)
	}
	if c := bob.get(t, chatID); c.LastMessage != nil || c.Unread != 0 {
		t.Fatalf("the conversation is %+v", c)
	}
	if h := ann.history(t, chatID); len(h) != 1 {
		t.Fatalf("ann sees %+v", h)
	}
	ann.send(t, chatID, secret+" new")
	bob.sees(t, chatID, "it is back", func(c conversation) bool { return c.Unread == 1 && c.LastMessage.Seq == 2 && c.FromSeq == 1 })
	if h := bob.history(t, chatID); len(h) != 1 || h[0].Body != secret+" new" {
		t.Fatalf("he sees %+v", h)
	}
}

func TestInboxIsPagedToItsEnd(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	var started []string
	for i := range 7 {
		chatID := ann.group(t, bob)
		bob.send(t, chatID, fmt.Sprint(secret, i))
		ann.sees(t, chatID, "it has moved to the top", func(c conversation) bool { return c.LastMessage != nil })
		started = append(started, chatID)
	}
	var listed []string
	cursor := ""
	for range 10 {
		got := want[page[conversation, string]](t, 200, ann.call(t, "GET", "/v1/conversations?limit=2&cursor="+cursor, nil))
		for _, c := range got.Items {
			listed = append(listed, c.ID)
		}
		if got.HasMore != (got.Next != nil) {
			t.Fatalf("the page is %+v", got)
		}
		if !got.HasMore {
			break
		}
		cursor = *got.Next
	}
	slices.Reverse(started)
	if !slices.Equal(listed, started) {
		t.Fatalf("listed %v, want %v", listed, started)
	}
}
