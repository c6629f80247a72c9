package chat_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// An instant that is read is written as ISO 8601 in UTC, and read again is the same.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{
		`"2026-02-28T23:59:59.999Z"`, `"2026-02-28T23:59:59.9999999+14:00"`, `"0000-01-01T00:00:00+23:59"`, `"9999-12-31T23:59:59-23:59"`,
		`"2026-02-30T00:00:00Z"`, `"2026-06-30T23:59:60Z"`, `""`, `0`, `null`, `"now"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var read, again chat.Time
		if json.Unmarshal(data, &read) != nil {
			return
		}
		written, err := json.Marshal(read)
		if err != nil {
			t.Fatalf("%q is read as %v, which cannot be written: %v", data, read, err)
		}
		if err := json.Unmarshal(written, &again); err != nil || !again.Equal(read.Time) {
			t.Fatalf("%q is read as %v, written as %s and read again as %v: %v", data, read, written, again, err)
		}
		if read.Location() != time.UTC || read.Nanosecond()%int(time.Millisecond) != 0 || !strings.HasSuffix(string(written), `Z"`) {
			t.Fatalf("%q is read as %v and written as %s", data, read, written)
		}
	})
}

// A channel is a conversation's, a user's or neither, and tells whose.
func FuzzChannels(f *testing.F) {
	for _, seed := range []string{"", "c", "}", "{}", "c}", chat.MembersChannel, chat.ConversationChannel("c"), chat.UserChannel("c") + "}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if id, ok := chat.ConversationOf(chat.ConversationChannel(text)); !ok || id != text {
			t.Errorf("the channel of the conversation %q is that of %q", text, id)
		}
		if id, ok := chat.UserOf(chat.UserChannel(text)); !ok || id != text {
			t.Errorf("the channel of the user %q is that of %q", text, id)
		}
		conversation, ofConversation := chat.ConversationOf(text)
		user, ofUser := chat.UserOf(text)
		if ofConversation && (ofUser || chat.ConversationChannel(conversation) != text) || ofUser && chat.UserChannel(user) != text {
			t.Errorf("%q is the channel of conversation %q (%t) and user %q (%t)", text, conversation, ofConversation, user, ofUser)
		}
	})
}
