// Package conversation is conversation-svc: conversations, who is in them, how far each has read, and the inbox.
package conversation

import (
	"context"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
)

// Types of conversations.
const (
	TypeDirect = "direct" // of two users; each pair has one
	TypeGroup  = "group"
)

const maxTitle = 256 // bytes of UTF-8

// Service is what clients ask of conversations, and what other services do (peer.Conversations). Whoever is not in a conversation is
// told that there is none.
type Service interface {
	peer.Conversations

	// Start returns the conversation that the request describes, which may be there already: the pair's, or the group of that ClientID.
	Start(ctx context.Context, r StartRequest) (Started, error)
	// List returns a page of the caller's inbox, newest first.
	List(ctx context.Context, r ListRequest) (Inbox, error)
	Get(ctx context.Context, r GetRequest) (Shown, error)
	// Rename, AddMember and RemoveMember are the owner's. A direct conversation has none of them.
	Rename(ctx context.Context, r RenameRequest) (Shown, error)
	AddMember(ctx context.Context, r AddMemberRequest) (Added, error)
	RemoveMember(ctx context.Context, r RemoveMemberRequest) (httpkit.Empty, error)
	// Leave passes an owner's group to the member who has been in it for longest, and ends the group where there is none.
	Leave(ctx context.Context, r LeaveRequest) (httpkit.Empty, error)
	// Delete clears the conversation for the caller alone, or, where an owner asks for it, ends the group for all.
	Delete(ctx context.Context, r DeleteRequest) (httpkit.Empty, error)
}

// StartRequest describes a conversation. Title and ClientID count for groups alone. A group's ClientID makes a retry the same group, and
// stands for the message's ClientMsgID where that is empty.
type StartRequest struct {
	Type      string        `json:"type"`
	MemberIDs []string      `json:"member_ids"` // the others: one, or for a group any number
	Title     string        `json:"title"`
	ClientID  string        `json:"client_id"`
	Message   *FirstMessage `json:"message"`
}

// FirstMessage is a message to send with the start.
type FirstMessage struct {
	Body        string `json:"body"`
	ClientMsgID string `json:"client_msg_id"`
}

// Started is a conversation and the message that was sent with it.
type Started struct {
	Conversation View          `json:"conversation"`
	Message      *chat.Message `json:"message,omitempty"`
	created      bool
}

// StatusCode is 201 for a new conversation, 200 for one that was there.
func (s Started) StatusCode() int { return createdOr200(s.created) }

// ListRequest asks for a page of the inbox, from the start or from another page's Next.
type ListRequest struct {
	Limit  int    `query:"limit"`
	Cursor string `query:"cursor"`
}

// Inbox is a page. It may hold fewer conversations than asked for, even none, while HasMore is true: cleared ones are left out of it.
type Inbox struct {
	Items   []View  `json:"items"`
	Next    *string `json:"next"` // the next page's cursor, null where HasMore is false
	HasMore bool    `json:"has_more"`
}

// GetRequest names a conversation.
type GetRequest struct {
	ID string `path:"id"`
}

// Shown is one conversation with its members.
type Shown struct {
	Conversation View `json:"conversation"`
}

// RenameRequest gives a group a title.
type RenameRequest struct {
	ID    string `path:"id"    json:"-"`
	Title string `json:"title"`
}

// AddMemberRequest brings a user into a group. She sees what is sent after the request came in.
type AddMemberRequest struct {
	ID     string `path:"id"      json:"-"`
	UserID string `json:"user_id"`
}

// Added is a member.
type Added struct {
	Member MemberView `json:"member"`
	added  bool
}

// StatusCode is 201 for a new member, 200 for one who was in already.
func (a Added) StatusCode() int { return createdOr200(a.added) }

// RemoveMemberRequest takes a member out of a group.
type RemoveMemberRequest struct {
	ID     string `path:"id"`
	UserID string `path:"user_id"`
}

// LeaveRequest takes the caller out of a group.
type LeaveRequest struct {
	ID string `path:"id"`
}

// DeleteRequest clears a conversation for the caller, or ends it where For is "all".
type DeleteRequest struct {
	ID  string `path:"id"`
	For string `query:"for"`
}

// View is a conversation as one of its members sees it.
type View struct {
	ID           string       `json:"id"`
	Type         string       `json:"type"`
	Title        string       `json:"title"`
	PeerID       string       `json:"peer_id,omitempty"` // the other one of a direct conversation
	Role         string       `json:"role"`              // hers
	MembersCount int          `json:"members_count"`
	LastMessage  *peer.Head   `json:"last_message"` // nil where she can see none
	LastActivity chat.Time    `json:"last_activity"`
	Unread       int64        `json:"unread"`
	ReadSeq      int64        `json:"read_seq"`
	FromSeq      int64        `json:"from_seq"` // her history starts after it
	CreatedAt    chat.Time    `json:"created_at"`
	Members      []MemberView `json:"members,omitempty"` // of one conversation, not in the inbox
}

// MemberView is a member as the others see her.
type MemberView struct {
	UserID  string `json:"user_id"`
	Role    string `json:"role"`
	ReadSeq int64  `json:"read_seq"`
}

// What clients are told, beside fields at fault.
var (
	errNotFound     = fault.New(fault.NotFound, "conversation_not_found", "There is no such conversation, or you are not in it.")
	errNoSuchMember = fault.New(fault.NotFound, "member_not_found", "The conversation has no such member.")
	errNotOwner     = fault.New(fault.Forbidden, "not_owner", "Only the owner of the group may do this.")
	errDirect       = fault.New(fault.Conflict, "direct_conversation", "A direct conversation has no title and no owner, and its two members stay.")
	errFull         = fault.New(fault.Conflict, "conversation_full", "The group has as many members as it may have.")
	errNoSuchUser   = fault.New(fault.Unprocessable, "no_such_user", "One of the users does not exist.")
	errSelf         = fault.New(fault.Unprocessable, "recipient_is_self", "You are in the conversation already: name the others.")
	errUnconfirmed  = fault.New(fault.Unavailable, "start_unconfirmed", "The conversation is being started by another request. Try again.").After(time.Second)
	errClientIDUsed = fault.New(fault.Conflict, "client_id_used", "This client_id started a group that you have left.")
)

func createdOr200(created bool) int {
	if created {
		return 201
	}
	return 200
}
