package peer

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
)

// Conversations is what conversation-svc does for other services. Errors are faults.
type Conversations interface {
	// Memberships says of each pair whether the user is a member, in the order asked.
	Memberships(ctx context.Context, r MembershipsRequest) (Memberships, error)
	// MemberSets returns the members of those conversations that exist, in no order.
	MemberSets(ctx context.Context, r MemberSetsRequest) (MemberSets, error)
	// MemberVersions returns the versions that the members of those conversations have that exist.
	MemberVersions(ctx context.Context, r MemberVersionsRequest) (MemberVersions, error)
	// RaiseHeads moves heads forward, each by itself; the answers are in the order asked.
	RaiseHeads(ctx context.Context, r RaiseHeadsRequest) (RaisedHeads, error)
	// MarkRead moves the acting member's read position, never backwards. A stranger gets NotFound.
	MarkRead(ctx context.Context, r MarkReadRequest) (ReadPosition, error)
}

// The routes behind Conversations.
const (
	PathMemberships    = "/internal/conversations/memberships"
	PathMemberSets     = "/internal/conversations/member-sets"
	PathMemberVersions = "/internal/conversations/member-versions"
	PathRaiseHeads     = "/internal/conversations/heads"
	PathMarkRead       = "/internal/conversations/read"
)

// Roles of members.
const (
	RoleOwner  = "owner"
	RoleMember = "member"
)

// MembershipsRequest asks for at most chat.MaxBatch pairs.
type MembershipsRequest struct {
	Pairs []MemberPair `json:"pairs"`
}

// MemberPair asks whether a user is a member of a conversation.
type MemberPair struct {
	ConversationID string `json:"conversation_id"`
	UserID         string `json:"user_id"`
}

// Memberships answers MembershipsRequest.
type Memberships struct {
	Items []Membership `json:"items"`
}

// Membership is a user's standing in a conversation; the zero one of a stranger, or of a conversation that doesn't exist.
type Membership struct {
	Member  bool   `json:"member"`
	Role    string `json:"role"`
	FromSeq int64  `json:"from_seq"` // her history starts after it
}

// MemberSetsRequest asks for at most chat.MaxBatch conversations.
type MemberSetsRequest struct {
	ConversationIDs []string `json:"conversation_ids"`
}

// MemberSets answers MemberSetsRequest.
type MemberSets struct {
	Items []MemberSet `json:"items"`
}

// MemberSet is who is in a conversation, as of a version. It may show a history that starts later than it did then: a version is given
// after the change that it is for.
type MemberSet struct {
	ConversationID string           `json:"conversation_id"`
	Version        int64            `json:"members_version"`
	FromSeqs       map[string]int64 `json:"from_seqs"` // by member: her history starts after it
}

// MemberVersionsRequest asks for at most chat.MaxBatch conversations.
type MemberVersionsRequest struct {
	ConversationIDs []string `json:"conversation_ids"`
}

// MemberVersions answers MemberVersionsRequest.
type MemberVersions struct {
	// Versions are by conversation, without those that don't exist. One moves with who is in, and with where a member's history starts.
	Versions map[string]int64 `json:"versions"`
}

// RaiseHeadsRequest holds at most chat.MaxBatch raises of different conversations.
type RaiseHeadsRequest struct {
	Raises []Raise `json:"raises"`
}

// Raise tells a conversation of the messages from FromSeq to Newest. FromSeq is one above Newest's seq where only that message changed.
type Raise struct {
	ConversationID string           `json:"conversation_id"`
	FromSeq        int64            `json:"from_seq"`
	Newest         Head             `json:"newest"`
	Authors        map[string]int64 `json:"authors"` // each author's last seq in the range: she has read so far
}

// Head is a conversation's newest message as the inbox shows it.
type Head struct {
	Seq      int64     `json:"seq"`
	Rev      int64     `json:"rev"`
	Excerpt  string    `json:"excerpt"`
	AuthorID string    `json:"author_id"`
	At       chat.Time `json:"at"`
}

// HeadOf returns the head that a newest message makes.
func HeadOf(m chat.Message) Head {
	return Head{Seq: m.Seq, Rev: m.Rev, Excerpt: chat.Excerpt(m.Body), AuthorID: m.AuthorID, At: m.CreatedAt}
}

// RaisedHeads answers RaiseHeadsRequest.
type RaisedHeads struct {
	Items []RaisedHead `json:"items"`
}

// RaisedHead is the head after a raise. A HeadSeq below the raise's FromSeq - 1 means that it was refused: an earlier one was
// lost, and the next must start at HeadSeq + 1. Of a conversation that doesn't exist, Members is 0.
type RaisedHead struct {
	HeadSeq int64 `json:"head_seq"`
	Members int   `json:"members"`
}

// MarkReadRequest says that the acting member has read up to Seq.
type MarkReadRequest struct {
	ConversationID string `path:"id" json:"conversation_id"`
	Seq            int64  `json:"seq"`
}

// ReadPosition is how far a member has read.
type ReadPosition struct {
	ReadSeq int64 `json:"read_seq"`
}
