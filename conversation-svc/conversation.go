package conversation

import (
	"strings"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/peer"
)

// Conversation is what is stored of a conversation beside its members.
type Conversation struct {
	ID           string
	Type         string
	Title        string
	OwnerID      string // empty for a direct one
	CreatorID    string
	ClientID     string // its own id where the creator gave none
	DirectKey    string // of a direct one its two members' key, of a group its own id
	Members      int
	Version      int64     // of its members: 1 at first, one more with each change
	Head         peer.Head // Seq 0: no message yet
	LastActivity chat.Time
	CreatedAt    chat.Time
}

// Standing is how a member stands to a conversation's messages.
type Standing struct {
	FromSeq    int64 // she sees what comes after it
	ReadSeq    int64
	ClearedSeq int64 // the last message when she cleared the conversation; NotCleared where she never has
}

// NotCleared is the ClearedSeq of a member who has never cleared the conversation.
const NotCleared = -1

// Entry is a conversation and how one of its members stands to it.
type Entry struct {
	Conversation
	Standing
}

// Member is a member of a conversation.
type Member struct {
	UserID string
	Standing
}

// NewDirect returns a conversation of two.
func NewDirect(creatorID, otherID string) Conversation {
	c := newConversation(TypeDirect, creatorID)
	c.DirectKey, c.ClientID = directKey(creatorID, otherID), c.ID
	return c
}

// NewGroup returns a group that its creator owns.
func NewGroup(creatorID, title, clientID string) Conversation {
	c := newConversation(TypeGroup, creatorID)
	c.OwnerID, c.Title, c.DirectKey, c.ClientID = creatorID, title, c.ID, clientID
	if clientID == "" {
		c.ClientID = c.ID
	}
	return c
}

func newConversation(kind, creatorID string) Conversation {
	now := chat.Now()
	return Conversation{ID: id.New(), Type: kind, CreatorID: creatorID, Version: 1, LastActivity: now, CreatedAt: now}
}

// directKey is the same for a pair whoever of them asks. No id holds a colon.
func directKey(a, b string) string { return min(a, b) + ":" + max(a, b) }

// peerOf returns the other one of a direct conversation, empty in a group.
func (c *Conversation) peerOf(userID string) string {
	if c.Type != TypeDirect {
		return ""
	}
	a, b, _ := strings.Cut(c.DirectKey, ":")
	if a == userID {
		return b
	}
	return a
}

func (c *Conversation) roleOf(userID string) string {
	if c.OwnerID == userID {
		return peer.RoleOwner
	}
	return peer.RoleMember
}

// managedBy returns nil where the member may rename the conversation, end it and change who is in it.
func (c *Conversation) managedBy(userID string) error {
	switch {
	case c.Type == TypeDirect:
		return errDirect
	case c.OwnerID != userID:
		return errNotOwner
	}
	return nil
}

// removable returns nil where the actor, a member, may take the user out: herself, or anyone where she is the owner.
func (c *Conversation) removable(actorID, userID string) error {
	if c.Type == TypeGroup && actorID == userID {
		return nil
	}
	return c.managedBy(actorID)
}

// apply moves the entry forward by a message that its member sent, which the stored head may not show yet.
func (e *Entry) apply(sent chat.Message) {
	if sent.Seq >= e.Head.Seq {
		e.Head = peer.HeadOf(sent)
	}
	e.ReadSeq = max(e.ReadSeq, sent.Seq)
}

// cleared reports whether the member has cleared the conversation and nothing has come since.
func (e *Entry) cleared() bool { return e.Head.Seq <= e.ClearedSeq }

func (e *Entry) unread() int64 { return max(0, e.Head.Seq-max(e.ReadSeq, e.FromSeq)) }

// view returns the entry as its member sees it.
func (e *Entry) view(userID string) View {
	v := View{
		ID: e.ID, Type: e.Type, Title: e.Title, PeerID: e.peerOf(userID), Role: e.roleOf(userID), MembersCount: e.Members,
		LastActivity: e.LastActivity, Unread: e.unread(), ReadSeq: e.ReadSeq, FromSeq: e.FromSeq, CreatedAt: e.CreatedAt,
	}
	if e.Head.Seq > e.FromSeq {
		v.LastMessage = &e.Head
	}
	return v
}

// viewWith returns the entry as its member sees it, with all members.
func (e *Entry) viewWith(userID string, members []Member) View {
	v := e.view(userID)
	v.Members = make([]MemberView, len(members))
	for i, m := range members {
		v.Members[i] = MemberView{UserID: m.UserID, Role: e.roleOf(m.UserID), ReadSeq: m.ReadSeq}
	}
	return v
}
