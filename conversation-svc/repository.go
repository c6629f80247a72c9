package conversation

import (
	"context"
	"errors"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

// ErrTaken says that another conversation has the direct key, or the creator's client id.
var ErrTaken = errors.New("the conversation was started before")

// Repository keeps conversations. conversationtest holds what every implementation promises:
//
// What it returned without an error is durable. Each method is atomic but for what its comment says. Any number of processes may use one
// store at once. Where a user is named, a conversation that she is not in is errNotFound; what she may not do is the
// fault of Conversation.managedBy. Each change of the members takes the next version, and none is skipped.
type Repository interface {
	// Insert stores a new conversation with its head and members, the creator first, who has read up to the head.
	// It returns ErrTaken where the direct key, or the creator's client id, is taken.
	Insert(ctx context.Context, c Conversation, memberIDs []string) error
	// IDByDirectKey and IDByClientID return errNotFound where there is none.
	IDByDirectKey(ctx context.Context, key string) (string, error)
	IDByClientID(ctx context.Context, creatorID, clientID string) (string, error)
	Get(ctx context.Context, conversationID, userID string) (Entry, error)
	// Members returns all members, the longest one first; none where there is no such conversation.
	Members(ctx context.Context, conversationID string) ([]Member, error)
	// Page returns at most limit of the user's conversations that come behind the position, by last activity and id, both descending.
	// It takes two queries that an index serves, however many conversations there are.
	Page(ctx context.Context, userID string, behind Position, limit int) ([]Entry, error)

	Rename(ctx context.Context, conversationID, ownerID, title string) error
	// AddMember changes nothing for a user who is in already: of several additions at once one brings her in, and her history starts where
	// that one says. It returns errFull where the group has a.Cap members.
	AddMember(ctx context.Context, a Addition) (Change, error)
	// RemoveMember takes out userID: the actor herself, or anyone where the actor is the owner. An owner who leaves is followed by the
	// longest member; with the last member the conversation is gone. It returns errNoSuchMember where userID is not in.
	RemoveMember(ctx context.Context, conversationID, actorID, userID string) (Change, error)
	// Delete removes the conversation whole.
	Delete(ctx context.Context, conversationID, ownerID string) (Gone, error)

	// MarkRead moves a member's read position up to seq, and Clear her history, read position and clearing; none of them moves back.
	// The caller of MarkRead has seen that she is in: for a user who is not, nothing changes that shows.
	MarkRead(ctx context.Context, conversationID, userID string, seq int64) error
	// Clear returns the version after it, as a change of the members. An error may leave the history moved, and no version taken, until
	// it is cleared again.
	Clear(ctx context.Context, conversationID, userID string, seq int64) (version int64, err error)

	// RaiseHeads applies each raise where it is higher than the head, (seq, rev), and leaves no message out. The last activity moves with
	// seq alone. Authors' read positions move, never back, unless the raise leaves a message out; they may be missing
	// after an error, until the raise comes again. The answers are in the order of the raises.
	RaiseHeads(ctx context.Context, raises []peer.Raise) ([]Raised, error)
	Memberships(ctx context.Context, pairs []peer.MemberPair) ([]peer.Membership, error)
	// MemberSets returns those of the conversations that exist, in no order.
	MemberSets(ctx context.Context, conversationIDs []string) ([]peer.MemberSet, error)
	// MemberVersions and MemberIDs return what they say of those conversations that exist. They read no member's standing.
	MemberVersions(ctx context.Context, conversationIDs []string) (map[string]int64, error)
	MemberIDs(ctx context.Context, conversationIDs []string) (map[string][]string, error)
	// Heads returns at most limit conversations with an id above after, by id.
	Heads(ctx context.Context, after string, limit int) ([]HeadMark, error)

	Ping(ctx context.Context) error
	Close() error
}

// Position is a place in an inbox.
type Position struct {
	At chat.Time
	ID string
}

// Addition is a user to bring into a group.
type Addition struct {
	ConversationID string
	OwnerID        string // who does it
	UserID         string
	FromSeq        int64 // her history starts after it
	Cap            int   // members the group may have, she included
}

// Change is what became of the members.
type Change struct {
	Changed bool
	Version int64 // after it
}

// Gone is who was in a conversation that was removed, and the last version.
type Gone struct {
	MemberIDs []string
	Version   int64
}

// Raised is the answer to a raise, and whether it moved the head.
type Raised struct {
	peer.RaisedHead
	Moved bool
}

// HeadMark is where a conversation's head stands.
type HeadMark struct {
	ConversationID string
	Seq            int64
	Rev            int64
}
