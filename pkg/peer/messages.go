package peer

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
)

// Messages is what message-svc does for other services. Errors are faults.
type Messages interface {
	// Send stores a message of the acting member, as POST /v1/messages does.
	Send(ctx context.Context, r SendRequest) (Sent, error)
	// Edit changes the body of the acting user's message, as PATCH /v1/messages/{id} does.
	Edit(ctx context.Context, r EditRequest) (Sent, error)
	// StoreFirst stores the acting user's first message in a conversation that does not exist yet. Sent again, it is the same message.
	StoreFirst(ctx context.Context, r SendRequest) (Sent, error)
	// Last returns where each conversation stands, in the order asked. It asks for no membership.
	Last(ctx context.Context, r LastRequest) (Lasts, error)
	// Feed returns the events after a rev in their order. It asks for no membership.
	Feed(ctx context.Context, r FeedRequest) (Feed, error)
	// Newest returns a conversation's newest messages, newest first. It asks for no membership.
	Newest(ctx context.Context, r NewestRequest) (NewestMessages, error)
}

// The routes behind Messages.
const (
	PathSend       = "/internal/messages/send"
	PathEdit       = "/internal/messages/edit"
	PathStoreFirst = "/internal/messages/first"
	PathLast       = "/internal/messages/last"
	PathFeed       = "/internal/messages/feed"
	PathNewest     = "/internal/messages/newest"
)

// SendRequest is a message to store. The same ClientMsgID from the same author in the same conversation is the same
// message; without one, each request is a message of its own.
type SendRequest struct {
	ConversationID string `json:"conversation_id"`
	Body           string `json:"body"`
	ClientMsgID    string `json:"client_msg_id"`
}

// EditRequest is a message's new body. ClientMsgID makes a retry the same edit, as in SendRequest.
type EditRequest struct {
	MessageID   string `path:"id" json:"message_id"`
	Body        string `json:"body"`
	ClientMsgID string `json:"client_msg_id"`
}

// Sent is a stored message.
type Sent struct {
	Message chat.Message `json:"message"`
	Created bool         `json:"-"` // false where it was stored before
}

// StatusCode is 201 for a new message, 200 for one that was there.
func (s Sent) StatusCode() int {
	if s.Created {
		return 201
	}
	return 200
}

// LastRequest asks for at most chat.MaxBatch conversations.
type LastRequest struct {
	ConversationIDs []string `json:"conversation_ids"`
}

// Lasts answers LastRequest.
type Lasts struct {
	Items []Last `json:"items"`
}

// Last is where a conversation stands; zero and nil where it has no message.
type Last struct {
	Seq    int64         `json:"last_seq"`
	Rev    int64         `json:"last_rev"`
	Newest *chat.Message `json:"newest"`
}

// FeedRequest asks for at most Limit events after a rev.
type FeedRequest struct {
	ConversationID string `json:"conversation_id"`
	AfterRev       int64  `json:"after_rev"`
	Limit          int    `json:"limit"`
}

// Feed is a run of events without holes, from AfterRev + 1 on.
type Feed struct {
	Items   []chat.Event `json:"items"`
	HasMore bool         `json:"has_more"`
}

// NewestRequest asks for at most Limit messages, at most chat.MaxBatch, above AfterSeq.
type NewestRequest struct {
	ConversationID string `json:"conversation_id"`
	AfterSeq       int64  `json:"after_seq"`
	Limit          int    `json:"limit"`
}

// NewestMessages answers NewestRequest.
type NewestMessages struct {
	Items []chat.Message `json:"items"`
}
