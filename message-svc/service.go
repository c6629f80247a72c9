// Package message is message-svc: messages, their order, their changes.
package message

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/peer"
)

// Service is what message-svc does. Who acts is in the context. Errors are faults.
type Service interface {
	peer.Messages
	// List returns a page of a conversation's messages or events to a member.
	List(ctx context.Context, r ListRequest) (Page, error)
	// Get returns one message to a member of its conversation.
	Get(ctx context.Context, r GetRequest) (peer.Sent, error)
	// Delete leaves a tombstone in the message's place. Its author and the conversation's owners may. Again, it changes nothing.
	Delete(ctx context.Context, r DeleteRequest) (peer.Sent, error)
}

// ListRequest asks for at most Limit messages before or after a seq, or events after a rev; at most one of the three is
// given. Without any it asks for the newest messages.
type ListRequest struct {
	ConversationID string `query:"conversation_id" json:"-"`
	BeforeSeq      *int64 `query:"before_seq" json:"-"` // newest first
	AfterSeq       *int64 `query:"after_seq" json:"-"`  // oldest first
	AfterRev       *int64 `query:"after_rev" json:"-"`  // events, in their order
	Limit          int    `query:"limit" json:"-"`      // zero: chat.DefaultPage
}

// Page is a page of a list. Next is what to ask for next in place of before_seq, after_seq or after_rev: null before the
// first message, else always given, so that a reader who has everything can come back for more.
type Page struct {
	Items   any    `json:"items"` // []chat.Message or []chat.Event
	Next    *int64 `json:"next"`
	HasMore bool   `json:"has_more"`
}

// GetRequest names a message.
type GetRequest struct {
	MessageID string `path:"id" json:"-"`
}

// DeleteRequest names a message.
type DeleteRequest struct {
	MessageID string `path:"id" json:"-"`
}

// The domain's errors.
var (
	errNoConversation = fault.New(fault.NotFound, "conversation_not_found", "There is no such conversation, or you are not in it.")
	errNoMessage      = fault.New(fault.NotFound, "message_not_found", "There is no such message, or you are not in its conversation.")
	errNotAuthor      = fault.New(fault.Forbidden, "not_the_author", "Only the author of a message can do this.")
	errDeleted        = fault.New(fault.Conflict, "message_deleted", "The message is deleted.")
	errKeyReused      = fault.New(fault.Conflict, "client_msg_id_reused", "This client_msg_id was used for something else.")
	errBusy           = fault.New(fault.Unavailable, "conversation_busy", "Too many messages wait in this conversation. Try again.")
	errNotStored      = fault.New(fault.Unavailable, "not_stored", "It is not known whether this was stored. Send it again with the same client_msg_id.")
)

// Op is what a write does.
type Op string

// The operations. Creating a message and changing one take their numbers from one sequence.
const (
	OpCreate Op = "create"
	OpEdit   Op = "edit"
	OpDelete Op = "delete"
)

var eventTypes = map[Op]string{OpCreate: chat.MessageCreated, OpEdit: chat.MessageUpdated, OpDelete: chat.MessageDeleted}

// Draft is a write without a number.
type Draft struct {
	ID          string // the message's, or the change's own
	Op          Op
	Of          int64 // the seq of the message that is changed; zero for OpCreate
	AuthorID    string
	ClientMsgID string // with AuthorID the write's key in its conversation: never empty
	Body        string // empty for OpDelete
	At          chat.Time
}

// message is the message that a draft with these numbers makes.
func (d Draft) message(conversationID string, n, seq int64) chat.Message {
	return chat.Message{
		ID: d.ID, ConversationID: conversationID, Seq: seq, Rev: n, AuthorID: d.AuthorID, Body: d.Body,
		ClientMsgID: d.ClientMsgID, CreatedAt: d.At,
	}
}

// maxSeq is above every seq, which check.Seq bounds.
const maxSeq = 1 << 53

// Outcome is what became of a draft.
type Outcome struct {
	ID      string // of the stored write: the draft's, or that of the one with its key that was stored before
	Op      Op
	N       int64        // its event number
	Message chat.Message // as it is now, with all changes up to N
	Err     error        // not nil: it is not known whether the draft was stored
	Trace   string       // of a request that is answered with it, as a traceparent; empty where none is recorded
}

// Event returns the outcome as readers get it.
func (o Outcome) Event() chat.Event {
	return chat.Event{Type: eventTypes[o.Op], ConversationID: o.Message.ConversationID, Rev: o.N, Message: &o.Message, Trace: o.Trace}
}
