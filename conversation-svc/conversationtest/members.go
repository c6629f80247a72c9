package conversationtest

import (
	"slices"
	"testing"

	conversation "github.com/confab-chat/confab/conversation-svc"
)

func addition(conversationID, userID string, fromSeq int64) conversation.Addition {
	return conversation.Addition{ConversationID: conversationID, OwnerID: "ann", UserID: userID, FromSeq: fromSeq, Cap: 4}
}

func addMembers(t *testing.T, open Open) {
	r := open(t)
	c := start(t, r, "ann", "zoe")
	if got := must(r.AddMember(t.Context(), addition(c.ID, "bob", 5)))(t); got != (conversation.Change{Changed: true, Version: 2}) {
		t.Errorf("the change is %+v", got)
	}
	if got := must(r.AddMember(t.Context(), addition(c.ID, "bob", 9)))(t); got != (conversation.Change{Version: 2}) {
		t.Errorf("the second time changed %+v", got)
	}
	requireStanding(t, r, c.ID, "bob", conversation.Standing{FromSeq: 5, ReadSeq: 5, ClearedSeq: conversation.NotCleared})
	must(r.AddMember(t.Context(), addition(c.ID, "cid", 6)))(t)
	_, err := r.AddMember(t.Context(), addition(c.ID, "dan", 7))
	requireCode(t, full, err)
	requireMembers(t, r, c.ID, "ann", "zoe", "bob", "cid")
	bob := must(r.Page(t.Context(), "bob", everything, 5))(t)
	if len(bob) != 1 || bob[0].ID != c.ID || bob[0].Members != 4 || bob[0].Version != 3 {
		t.Errorf("the new member's inbox is %+v", bob)
	}
}

func comeAgain(t *testing.T, open Open) {
	r := open(t)
	c := start(t, r, "ann", "bob")
	remove := func() { must(r.RemoveMember(t.Context(), c.ID, "bob", "bob"))(t) }
	add := func(fromSeq int64) { must(r.AddMember(t.Context(), addition(c.ID, "bob", fromSeq)))(t) }
	remove()
	add(4)
	requireStanding(t, r, c.ID, "bob", conversation.Standing{FromSeq: 4, ReadSeq: 4, ClearedSeq: conversation.NotCleared})
	for _, fromSeq := range []int64{8, 9} {
		must(r.Clear(t.Context(), c.ID, "bob", 8))(t)
		remove()
		add(fromSeq)
		requireStanding(t, r, c.ID, "bob", conversation.Standing{FromSeq: fromSeq, ReadSeq: fromSeq, ClearedSeq: conversation.NotCleared})
	}
	requireMembers(t, r, c.ID, "ann", "bob")
}

func managing(t *testing.T, open Open) {
	r := open(t)
	ctx := t.Context()
	group := start(t, r, "ann", "bob", "cid")
	pair := insert(t, r, conversation.NewDirect("ann", "bob"), "ann", "bob")
	remove := func(conversationID, actorID, userID string) error {
		_, err := r.RemoveMember(ctx, conversationID, actorID, userID)
		return err
	}
	add := func(conversationID, actorID string) error {
		a := addition(conversationID, "dan", 0)
		a.OwnerID = actorID
		_, err := r.AddMember(ctx, a)
		return err
	}
	erase := func(conversationID, actorID string) error {
		_, err := r.Delete(ctx, conversationID, actorID)
		return err
	}
	for _, tt := range []struct {
		name, code string
		err        error
	}{
		{"a member renames", notOwner, r.Rename(ctx, group.ID, "bob", "new")},
		{"a member adds", notOwner, add(group.ID, "bob")},
		{"a member removes another", notOwner, remove(group.ID, "bob", "cid")},
		{"a member deletes", notOwner, erase(group.ID, "bob")},
		{"a stranger renames", notFound, r.Rename(ctx, group.ID, "eve", "new")},
		{"a stranger adds", notFound, add(group.ID, "eve")},
		{"a stranger removes", notFound, remove(group.ID, "eve", "cid")},
		{"a stranger leaves", notFound, remove(group.ID, "eve", "eve")},
		{"a stranger deletes", notFound, erase(group.ID, "eve")},
		{"the owner removes a stranger", noSuchMember, remove(group.ID, "ann", "eve")},
		{"rename a direct one", direct, r.Rename(ctx, pair.ID, "ann", "new")},
		{"add to a direct one", direct, add(pair.ID, "ann")},
		{"remove from a direct one", direct, remove(pair.ID, "ann", "bob")},
		{"leave a direct one", direct, remove(pair.ID, "ann", "ann")},
		{"delete a direct one", direct, erase(pair.ID, "ann")},
		{"nothing is there", notFound, remove("none", "ann", "ann")},
	} {
		t.Run(tt.name, func(t *testing.T) { requireCode(t, tt.code, tt.err) })
	}
	requireMembers(t, r, group.ID, "ann", "bob", "cid")
	if err := r.Rename(ctx, group.ID, "ann", "new"); err != nil {
		t.Fatal(err)
	}
	if got := must(r.Get(ctx, group.ID, "bob"))(t); got.Title != "new" || got.Version != 1 {
		t.Errorf("after the rename it is %+v", got)
	}
}

func succession(t *testing.T, open Open) {
	r := open(t)
	c := start(t, r, "ann", "zoe", "bob")
	must(r.RemoveMember(t.Context(), c.ID, "ann", "zoe"))(t)
	must(r.AddMember(t.Context(), addition(c.ID, "zoe", 0)))(t)
	if got := must(r.RemoveMember(t.Context(), c.ID, "ann", "ann"))(t); got != (conversation.Change{Changed: true, Version: 4}) {
		t.Errorf("the change is %+v", got)
	}
	requireMembers(t, r, c.ID, "bob", "zoe")
	if got := must(r.Get(t.Context(), c.ID, "zoe"))(t); got.OwnerID != "bob" || got.Members != 2 {
		t.Errorf("after the owner left it is %+v", got)
	}
	must(r.RemoveMember(t.Context(), c.ID, "bob", "bob"))(t)
	if got := must(r.RemoveMember(t.Context(), c.ID, "zoe", "zoe"))(t); got != (conversation.Change{Changed: true, Version: 6}) {
		t.Errorf("the last change is %+v", got)
	}
	requireGone(t, r, c.ID, "ann", "bob", "zoe")
}

func deletion(t *testing.T, open Open) {
	r := open(t)
	c := start(t, r, "ann", "bob")
	other := start(t, r, "ann")
	must(r.AddMember(t.Context(), addition(c.ID, "cid", 3)))(t)
	gone := must(r.Delete(t.Context(), c.ID, "ann"))(t)
	slices.Sort(gone.MemberIDs)
	if gone.Version != 2 || !slices.Equal(gone.MemberIDs, []string{"ann", "bob", "cid"}) {
		t.Errorf("what is gone is %+v", gone)
	}
	requireGone(t, r, c.ID, "ann", "bob", "cid")
	requireMembers(t, r, other.ID, "ann")
	_, err := r.Delete(t.Context(), c.ID, "ann")
	requireCode(t, notFound, err)
}

func requireGone(t *testing.T, r conversation.Repository, conversationID string, former ...string) {
	t.Helper()
	for _, userID := range former {
		_, err := r.Get(t.Context(), conversationID, userID)
		requireCode(t, notFound, err)
		for _, e := range must(r.Page(t.Context(), userID, everything, 10))(t) {
			if e.ID == conversationID {
				t.Errorf("it is in %s's inbox", userID)
			}
		}
	}
	requireMembers(t, r, conversationID)
	if sets := must(r.MemberSets(t.Context(), []string{conversationID}))(t); len(sets) != 0 {
		t.Errorf("it has members: %+v", sets)
	}
	requireKnown(t, r, conversationID, 0)
	if raised := raiseOne(t, r, conversationID, raise(1, head(9, 9, "ann"))); raised.Members != 0 {
		t.Errorf("a raise found it: %+v", raised)
	}
}
