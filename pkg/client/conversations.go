package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/id"
)

// Types of conversations.
const (
	Direct = "direct" // of two users, who have but one
	Group  = "group"
)

// Conversation is one as the user sees it.
type Conversation struct {
	ID           string       `json:"id"`
	Type         string       `json:"type"`
	Title        string       `json:"title"`   // empty in a direct one
	PeerID       string       `json:"peer_id"` // the other one of a direct conversation
	Role         string       `json:"role"`    // hers: owner or member
	MembersCount int          `json:"members_count"`
	LastMessage  *LastMessage `json:"last_message"` // nil where she can see none
	LastActivity chat.Time    `json:"last_activity"`
	Unread       int64        `json:"unread"`
	ReadSeq      int64        `json:"read_seq"`
	FromSeq      int64        `json:"from_seq"` // her history starts after it
	CreatedAt    chat.Time    `json:"created_at"`
	Members      []Member     `json:"members"` // nil in the inbox
}

// LastMessage is the newest message of a conversation, in short.
type LastMessage struct {
	Seq      int64     `json:"seq"`
	Rev      int64     `json:"rev"`
	Excerpt  string    `json:"excerpt"`
	AuthorID string    `json:"author_id"`
	At       chat.Time `json:"at"`
}

// Member is a member as the others see her.
type Member struct {
	UserID  string `json:"user_id"`
	Role    string `json:"role"`
	ReadSeq int64  `json:"read_seq"`
}

// Start describes a conversation. A pair of users has one direct conversation, whoever starts it.
type Start struct {
	Type        string   // Direct or Group
	MemberIDs   []string // the others
	Title       string   // of a group
	ClientID    string   // a group's: makes a retry the same group; empty: a new one is made
	Body        string   // of a first message; empty: none is sent
	ClientMsgID string   // of that message; empty: a new one is made
}

// Started is a conversation and the message that was sent with it, nil where none was.
type Started struct {
	Conversation Conversation  `json:"conversation"`
	Message      *chat.Message `json:"message"`
}

type startBody struct {
	Type      string     `json:"type"`
	MemberIDs []string   `json:"member_ids"`
	Title     string     `json:"title,omitempty"`
	ClientID  string     `json:"client_id,omitempty"`
	Message   *draftBody `json:"message,omitempty"`
}

// Start starts a conversation, or returns the one there is. A Body is sent in either case: into a direct conversation that exists it comes
// as one more message, unless its ClientMsgID was sent there before.
func (c *Client) Start(ctx context.Context, s Start) (Started, error) {
	body := startBody{Type: s.Type, MemberIDs: s.MemberIDs, Title: s.Title, ClientID: s.ClientID}
	if body.MemberIDs == nil {
		body.MemberIDs = []string{}
	}
	if s.Type == Group && s.ClientID == "" {
		body.ClientID = id.New()
	}
	if s.Body != "" {
		d := Draft{Body: s.Body, ClientMsgID: s.ClientMsgID}.keyed()
		body.Message = &draftBody{Body: d.Body, ClientMsgID: d.ClientMsgID}
	}
	var out Started
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/conversations", body: body}, &out)
	return out, err
}

// Inbox returns a page of the user's conversations, newest first.
func (c *Client) Inbox(ctx context.Context, p Page) (List[Conversation], error) {
	var out List[Conversation]
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/conversations", query: p.query()}, &out)
	return out, err
}

type conversationAnswer struct {
	Conversation Conversation `json:"conversation"`
}

// Conversation returns one with its members. Whoever is not in it gets an *Error of code conversation_not_found, here and below.
func (c *Client) Conversation(ctx context.Context, conversationID string) (Conversation, error) {
	var out conversationAnswer
	err := c.do(ctx, call{method: http.MethodGet, path: conversation(conversationID)}, &out)
	return out.Conversation, err
}

// Rename gives a group of the user's a title.
func (c *Client) Rename(ctx context.Context, conversationID, title string) (Conversation, error) {
	var out conversationAnswer
	body := map[string]string{"title": title}
	err := c.do(ctx, call{method: http.MethodPatch, path: conversation(conversationID), body: body}, &out)
	return out.Conversation, err
}

// AddMember brings somebody into a group of the user's. She sees what is sent from then on.
func (c *Client) AddMember(ctx context.Context, conversationID, userID string) (Member, error) {
	var out struct {
		Member Member `json:"member"`
	}
	body := map[string]string{"user_id": userID}
	err := c.do(ctx, call{method: http.MethodPost, path: conversation(conversationID) + "/members", body: body}, &out)
	return out.Member, err
}

// RemoveMember takes somebody out of a group of the user's.
func (c *Client) RemoveMember(ctx context.Context, conversationID, userID string) error {
	path := conversation(conversationID) + "/members/" + segment(userID)
	return c.do(ctx, call{method: http.MethodDelete, path: path, gone: true}, nil)
}

// LeaveGroup takes the user out of a group. It ends with its last member.
func (c *Client) LeaveGroup(ctx context.Context, conversationID string) error {
	return c.do(ctx, call{method: http.MethodPost, path: conversation(conversationID) + "/leave", gone: true}, nil)
}

// MarkRead says how far the user has read, and returns where her position stands now: it never moves backwards.
func (c *Client) MarkRead(ctx context.Context, conversationID string, seq int64) (int64, error) {
	var out struct {
		ReadSeq int64 `json:"read_seq"`
	}
	body := map[string]int64{"seq": seq}
	err := c.do(ctx, call{method: http.MethodPut, path: conversation(conversationID) + "/read", body: body}, &out)
	return out.ReadSeq, err
}

// Clear hides what was said so far from the user alone. It is tried once: a second time would hide what she has not seen.
func (c *Client) Clear(ctx context.Context, conversationID string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: conversation(conversationID), once: true}, nil)
}

// DeleteGroup ends a group of the user's for all.
func (c *Client) DeleteGroup(ctx context.Context, conversationID string) error {
	return c.do(ctx, call{
		method: http.MethodDelete, path: conversation(conversationID), query: url.Values{"for": {"all"}}, gone: true,
	}, nil)
}

func conversation(conversationID string) string {
	return "/v1/conversations/" + segment(conversationID)
}
