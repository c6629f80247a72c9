// Package chat holds the words that all services share: a message, the event that carries it, limits and channels.
package chat

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/confab-chat/confab/pkg/clock"
)

// Limits that every service and client relies on.
const (
	MaxBody        = 16 << 10 // bytes of UTF-8 in a message
	MaxExcerpt     = 140      // characters of a message shown in the inbox
	MaxParticipant = 1000     // members of a conversation
	DefaultPage    = 50
	MaxPage        = 200
	MaxBatch       = 500 // ids or items in one request between services
)

// Message is a message in its present state, as every reader gets it.
type Message struct {
	ID             string `json:"id"`
	ConversationID string `json:"conversation_id"`
	Seq            int64  `json:"seq"` // its place in the conversation: 1, 2, 3 …
	Rev            int64  `json:"rev"` // the event number of its last change
	AuthorID       string `json:"author_id"`
	Body           string `json:"body"` // empty once deleted
	ClientMsgID    string `json:"client_msg_id"`
	CreatedAt      Time   `json:"created_at"`
	EditedAt       *Time  `json:"edited_at"`
	DeletedAt      *Time  `json:"deleted_at"`
}

// Excerpt returns the start of a body, at most MaxExcerpt characters on one line.
func Excerpt(body string) string {
	out := make([]rune, 0, MaxExcerpt)
	for _, r := range body {
		if len(out) == MaxExcerpt {
			out[MaxExcerpt-1] = '…'
			break
		}
		if r == '\n' || r == '\r' || r == '\t' {
			r = ' '
		}
		out = append(out, r)
	}
	return string(out)
}

// The names of events, the same natively and over Socket.IO.
const (
	MessageCreated = "message.created"
	MessageUpdated = "message.updated"
	MessageDeleted = "message.deleted"
	MemberAdded    = "member.added"
	MemberRemoved  = "member.removed"
	MemberCleared  = "member.cleared" // between services alone: a member's FromSeq has moved
	Read           = "read"
	Typing         = "typing"
	Inbox          = "inbox"
	SessionEnded   = "session.ended"
	Resync         = "resync"
	Reconnect      = "reconnect"
)

// Event is one entry of a conversation's feed: numbered rev = 1, 2, 3 … without holes, with the message as it is now.
// A message's Rev may be above the event's where a later change came before the event was read.
type Event struct {
	Type           string   `json:"type"`
	ConversationID string   `json:"conversation_id"`
	Rev            int64    `json:"rev"`
	Message        *Message `json:"message"`
	Trace          string   `json:"trace,omitempty"` // of the write, as a traceparent, while the broker carries it to the gateways; clients do not get it
}

// MemberEvent tells that a conversation's members changed. It travels on the conversation's channel, on MembersChannel
// and, but for MemberCleared, on the user's own.
type MemberEvent struct {
	Type           string `json:"type"` // MemberAdded, MemberRemoved or MemberCleared
	ConversationID string `json:"conversation_id"`
	UserID         string `json:"user_id"`
	Version        int64  `json:"members_version"` // one above that of the event before
	FromSeq        int64  `json:"from_seq"`        // the member's history starts after it
}

// ReadEvent tells how far a member has read. It travels on the conversation's channel.
type ReadEvent struct {
	Type           string `json:"type"` // Read
	ConversationID string `json:"conversation_id"`
	UserID         string `json:"user_id"`
	Seq            int64  `json:"seq"`
}

// TypingEvent tells that a member is typing. It travels on the conversation's channel, and is the first to be dropped.
type TypingEvent struct {
	Type           string `json:"type"` // Typing
	ConversationID string `json:"conversation_id"`
	UserID         string `json:"user_id"`
}

// InboxEvent hints on a user's channel that a conversation moved in her inbox. It may be lost.
type InboxEvent struct {
	Type           string `json:"type"` // Inbox
	ConversationID string `json:"conversation_id"`
	Seq            int64  `json:"seq"`
	Rev            int64  `json:"rev"`
}

// SessionEvent tells on SessionsChannel and on the user's channel that a session has ended.
type SessionEvent struct {
	Type      string `json:"type"` // SessionEnded
	SessionID string `json:"session_id"`
	UserID    string `json:"user_id"`
	ExpiresAt Time   `json:"expires_at"` // when its last token dies by itself
}

// Channels of the broker. The braces are literal: they keep a conversation in one cluster slot.
const (
	MembersChannel  = "confab:members"
	SessionsChannel = "confab:sessions"
)

// ConversationChannel carries a conversation's events.
func ConversationChannel(conversationID string) string { return "confab:conv:{" + conversationID + "}" }

// UserChannel carries what concerns one user on all her sockets.
func UserChannel(userID string) string { return "confab:user:{" + userID + "}" }

// ConversationOf returns the conversation whose channel it is; false for any other channel.
func ConversationOf(channel string) (string, bool) { return within(channel, "confab:conv:{") }

// UserOf returns the user whose channel it is; false for any other channel.
func UserOf(channel string) (string, bool) { return within(channel, "confab:user:{") }

func within(channel, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(channel, prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, "}")
}

const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is an instant in UTC with milliseconds, as the wire and the stores hold it.
type Time struct{ time.Time }

// Now returns the present instant.
func Now() Time { return TimeOf(clock.Now()) }

// TimeOf cuts t to what the wire can carry.
func TimeOf(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// FromMillis returns the instant so many milliseconds after the Unix epoch.
func FromMillis(ms int64) Time { return Time{time.UnixMilli(ms).UTC()} }

// String formats the instant as ISO 8601 with milliseconds and Z.
func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalJSON writes ISO 8601 with milliseconds and Z.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// UnmarshalJSON reads any RFC 3339 instant. It returns an error for anything else.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a time must be a string: %w", err)
	}
	parsed, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("a time must be RFC 3339: %w", err)
	}
	if year := parsed.UTC().Year(); year < 0 || year > 9999 { // which its zone has moved out of what can be written
		return fmt.Errorf("a time must be RFC 3339: the year is %d", year)
	}
	*t = TimeOf(parsed)
	return nil
}
