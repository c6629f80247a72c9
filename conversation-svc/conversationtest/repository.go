// Package conversationtest is the contract of conversation-svc's repositories, as tests that each of them runs.
package conversationtest

import (
	"errors"
	"slices"
	"testing"
	"time"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/peer"
)

// Open opens another handle on the test's one store. The handle is closed at the test's end.
type Open func(t *testing.T) conversation.Repository

// RunRepository runs the contract. Each test gets a store of its own from open.
func RunRepository(t *testing.T, open func(t *testing.T) Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"a conversation is there for its members alone":                     insertAndGet,
		"a pair and a creator's client id are taken once":                   taken,
		"64 starts of one pair at once give one conversation":               sameStart,
		"an inbox is paged by place, newest first":                          pages,
		"an inbox's pages stay whole while conversations move":              movingPages,
		"an owner adds members, once each, who see nothing earlier":         addMembers,
		"a member who comes again sees nothing from before":                 comeAgain,
		"only the owner manages a group, and nobody a direct conversation":  managing,
		"an owner who leaves is followed by the longest member":             succession,
		"a deleted group is gone with its members":                          deletion,
		"of concurrent adds of one user one counts":                         sameAdd,
		"concurrent adds never exceed the cap":                              concurrentAdds,
		"versions are dense while members come and go":                      denseVersions,
		"one owner is left while all leave at once":                         leaveAtOnce,
		"positions never move back":                                         positions,
		"a raise applies where it is higher and leaves nothing out":         raises,
		"a raise moves its authors' positions even when the head was there": raiseAuthors,
		"concurrent raises end at the highest":                              concurrentRaises,
		"memberships and member sets tell who is in":                        memberships,
		"a walk sees every head":                                            heads,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// Codes of the repository's faults.
const (
	notFound     = "conversation_not_found"
	noSuchMember = "member_not_found"
	notOwner     = "not_owner"
	direct       = "direct_conversation"
	full         = "conversation_full"
)

func requireCode(t *testing.T, code string, err error) {
	t.Helper()
	if !errors.Is(err, &fault.Error{Code: code}) {
		t.Fatalf("the error is %v, want %s", err, code)
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// start inserts a conversation: a group of the members, the first of whom owns it.
func start(t *testing.T, r conversation.Repository, members ...string) conversation.Conversation {
	t.Helper()
	c := conversation.NewGroup(members[0], "a title", "")
	return insert(t, r, c, members...)
}

func insert(t *testing.T, r conversation.Repository, c conversation.Conversation, members ...string) conversation.Conversation {
	t.Helper()
	c.Members = len(members)
	if err := r.Insert(t.Context(), c, members); err != nil {
		t.Fatal(err)
	}
	return c
}

func head(seq, rev int64, author string) peer.Head {
	return peer.Head{Seq: seq, Rev: rev, Excerpt: "hello", AuthorID: author, At: at(seq)}
}

// at is when the tests' messages are sent: after every conversation's creation.
func at(seq int64) chat.Time {
	return chat.TimeOf(time.Now().Truncate(time.Hour).Add(24*time.Hour + time.Duration(seq)*time.Second))
}

func raise(from int64, newest peer.Head) peer.Raise {
	return peer.Raise{FromSeq: from, Newest: newest, Authors: map[string]int64{newest.AuthorID: newest.Seq}}
}

func raiseOne(t *testing.T, r conversation.Repository, conversationID string, one peer.Raise) conversation.Raised {
	t.Helper()
	one.ConversationID = conversationID
	return must(r.RaiseHeads(t.Context(), []peer.Raise{one}))(t)[0]
}

func memberIDs(t *testing.T, r conversation.Repository, conversationID string) []string {
	t.Helper()
	var ids []string
	for _, m := range must(r.Members(t.Context(), conversationID))(t) {
		ids = append(ids, m.UserID)
	}
	return ids
}

func requireMembers(t *testing.T, r conversation.Repository, conversationID string, want ...string) {
	t.Helper()
	if got := memberIDs(t, r, conversationID); !slices.Equal(got, want) {
		t.Fatalf("the members are %v, want %v", got, want)
	}
}

func insertAndGet(t *testing.T, open Open) {
	r := open(t)
	c := conversation.NewDirect("ann", "bob")
	c.Head, c.LastActivity = head(1, 1, "ann"), at(1)
	c = insert(t, r, c, "ann", "bob")
	ann := must(r.Get(t.Context(), c.ID, "ann"))(t)
	if ann.Conversation != c || ann.Standing != (conversation.Standing{ReadSeq: 1, ClearedSeq: conversation.NotCleared}) {
		t.Errorf("the creator sees %+v, want %+v", ann, c)
	}
	bob := must(open(t).Get(t.Context(), c.ID, "bob"))(t)
	if bob.Conversation != c || bob.Standing != (conversation.Standing{ClearedSeq: conversation.NotCleared}) {
		t.Errorf("the other one sees %+v", bob)
	}
	_, err := r.Get(t.Context(), c.ID, "eve")
	requireCode(t, notFound, err)
	_, err = r.Get(t.Context(), "none", "ann")
	requireCode(t, notFound, err)
	requireMembers(t, r, c.ID, "ann", "bob")
	requireMembers(t, r, "none")
}

func taken(t *testing.T, open Open) {
	r := open(t)
	pair := insert(t, r, conversation.NewDirect("ann", "bob"), "ann", "bob")
	group := insert(t, r, conversation.NewGroup("ann", "a title", "key"), "ann")
	insert(t, r, conversation.NewGroup("bob", "a title", "key"), "bob")
	start(t, r, "ann")
	start(t, r, "ann")
	for _, again := range []conversation.Conversation{conversation.NewDirect("bob", "ann"), conversation.NewGroup("ann", "another", "key")} {
		if err := r.Insert(t.Context(), again, []string{"ann", "bob"}); !errors.Is(err, conversation.ErrTaken) {
			t.Errorf("a second %s gave %v", again.Type, err)
		}
	}
	if got := must(r.IDByDirectKey(t.Context(), pair.DirectKey))(t); got != pair.ID {
		t.Errorf("the pair has %s, want %s", got, pair.ID)
	}
	if got := must(r.IDByClientID(t.Context(), "ann", "key"))(t); got != group.ID {
		t.Errorf("the client id has %s, want %s", got, group.ID)
	}
	_, err := r.IDByDirectKey(t.Context(), "ann:eve")
	requireCode(t, notFound, err)
	_, err = r.IDByClientID(t.Context(), "eve", "key")
	requireCode(t, notFound, err)
}

func memberships(t *testing.T, open Open) {
	r := open(t)
	c := start(t, r, "ann", "bob")
	must(r.AddMember(t.Context(), addition(c.ID, "cid", 7)))(t)
	pairs := []peer.MemberPair{
		{ConversationID: c.ID, UserID: "cid"}, {ConversationID: c.ID, UserID: "eve"}, {ConversationID: "none", UserID: "ann"},
		{ConversationID: c.ID, UserID: "ann"}, {ConversationID: c.ID, UserID: "bob"},
	}
	want := []peer.Membership{
		{Member: true, Role: peer.RoleMember, FromSeq: 7}, {}, {},
		{Member: true, Role: peer.RoleOwner}, {Member: true, Role: peer.RoleMember},
	}
	if got := must(r.Memberships(t.Context(), pairs))(t); !slices.Equal(got, want) {
		t.Errorf("the memberships are %+v, want %+v", got, want)
	}
	sets := must(r.MemberSets(t.Context(), []string{"none", c.ID}))(t)
	if len(sets) != 1 || sets[0].Version != 2 || len(sets[0].FromSeqs) != 3 || sets[0].FromSeqs["cid"] != 7 {
		t.Errorf("the member sets are %+v", sets)
	}
	requireKnown(t, r, c.ID, 2, "ann", "bob", "cid")
}

// requireKnown wants a version and members, in any order, beside those of conversations that don't exist.
func requireKnown(t *testing.T, r conversation.Repository, conversationID string, version int64, want ...string) {
	t.Helper()
	ids := []string{"none", conversationID, "neither"}
	versions, members := must(r.MemberVersions(t.Context(), ids))(t), must(r.MemberIDs(t.Context(), ids))(t)
	if known := min(version, 1); versions[conversationID] != version || len(versions) != int(known) || len(members) != int(known) {
		t.Errorf("the versions are %v, want %d; the members are %v", versions, version, members)
	}
	if got := slices.Sorted(slices.Values(members[conversationID])); !slices.Equal(got, want) {
		t.Errorf("the members are %v, want %v", got, want)
	}
}
