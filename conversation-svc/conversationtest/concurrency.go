package conversationtest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/fault"
)

const callers = 64

// atOnce calls f by callers at once, through two handles.
func atOnce(t *testing.T, open Open, f func(i int, r conversation.Repository)) conversation.Repository {
	handles := []conversation.Repository{open(t), open(t)}
	begin := make(chan struct{})
	var running sync.WaitGroup
	for i := range callers {
		running.Go(func() {
			<-begin
			f(i, handles[i%2])
		})
	}
	close(begin)
	running.Wait()
	return handles[0]
}

func sameStart(t *testing.T, open Open) {
	won := make([]string, callers)
	r := atOnce(t, open, func(i int, r conversation.Repository) {
		c, members := conversation.NewDirect("ann", "bob"), []string{"ann", "bob"}
		if i%2 == 1 {
			c, members = conversation.NewDirect("bob", "ann"), []string{"bob", "ann"}
		}
		switch err := r.Insert(t.Context(), c, members); {
		case err == nil:
			won[i] = c.ID
		case !errors.Is(err, conversation.ErrTaken):
			t.Errorf("insert: %v", err)
		}
	})
	won = slices.DeleteFunc(won, func(id string) bool { return id == "" })
	if len(won) != 1 {
		t.Fatalf("%d were inserted", len(won))
	}
	for _, userID := range []string{"ann", "bob"} {
		if got := read(t, r, userID, everything); !slices.Equal(got, won) {
			t.Errorf("%s's inbox is %v, want %v", userID, got, won)
		}
	}
}

func sameAdd(t *testing.T, open Open) {
	c := start(t, open(t), "ann")
	won := make(chan int64, callers)
	r := atOnce(t, open, func(i int, r conversation.Repository) {
		change, err := r.AddMember(t.Context(), addition(c.ID, "bob", int64(i)))
		if err != nil || change.Version != 2 {
			t.Errorf("add: %+v, %v", change, err)
		}
		if change.Changed {
			won <- int64(i)
		}
	})
	if len(won) != 1 {
		t.Fatalf("%d brought her in", len(won))
	}
	from := <-won
	requireStanding(t, r, c.ID, "bob", conversation.Standing{FromSeq: from, ReadSeq: from, ClearedSeq: conversation.NotCleared})
}

func concurrentAdds(t *testing.T, open Open) {
	c := start(t, open(t), "ann", "zoe")
	versions := make([]int64, callers)
	r := atOnce(t, open, func(i int, r conversation.Repository) {
		a := addition(c.ID, fmt.Sprintf("user-%d", i/2), 0) // each user twice
		a.Cap = 12
		change, err := r.AddMember(t.Context(), a)
		if err != nil && !errors.Is(err, &fault.Error{Code: full}) {
			t.Errorf("add: %v", err)
		}
		if change.Changed {
			versions[i] = change.Version
		}
	})
	if got := memberIDs(t, r, c.ID); len(got) != 12 || len(slices.Compact(slices.Sorted(slices.Values(got)))) != 12 {
		t.Errorf("the members are %v, want 12", got)
	}
	if got := must(r.Get(t.Context(), c.ID, "ann"))(t); got.Members != 12 {
		t.Errorf("the conversation counts %d members", got.Members)
	}
	requireDense(t, versions, 2, 11)
}

// requireDense wants each version from first to last once; zeros are left out.
func requireDense(t *testing.T, versions []int64, first, last int64) {
	t.Helper()
	var want []int64
	for v := first; v <= last; v++ {
		want = append(want, v)
	}
	got := slices.DeleteFunc(slices.Clone(versions), func(v int64) bool { return v == 0 })
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the versions are %v, want %d to %d", got, first, last)
	}
}

func denseVersions(t *testing.T, open Open) {
	c := start(t, open(t), "ann")
	versions := make([]int64, 3*callers)
	r := atOnce(t, open, func(i int, r conversation.Repository) {
		userID := fmt.Sprintf("user-%d", i)
		a := addition(c.ID, userID, 0)
		a.Cap = 2 * callers
		added, addErr := r.AddMember(t.Context(), a)
		removed, removeErr := r.RemoveMember(t.Context(), c.ID, []string{"ann", userID}[i%2], userID)
		again, againErr := r.AddMember(t.Context(), a)
		if err := errors.Join(addErr, removeErr, againErr); err != nil || !added.Changed || !removed.Changed || !again.Changed {
			t.Errorf("%v: %+v, %+v, %+v", err, added, removed, again)
		}
		versions[3*i], versions[3*i+1], versions[3*i+2] = added.Version, removed.Version, again.Version
	})
	requireDense(t, versions, 2, 1+3*callers)
	if got := memberIDs(t, r, c.ID); len(got) != 1+callers {
		t.Errorf("%d members are left, want %d", len(got), 1+callers)
	}
}

func leaveAtOnce(t *testing.T, open Open) {
	members := make([]string, callers+1)
	for i := range members {
		members[i] = fmt.Sprintf("user-%d", i)
	}
	c := start(t, open(t), members...)
	versions := make([]int64, callers)
	r := atOnce(t, open, func(i int, r conversation.Repository) {
		if i >= callers/4 {
			return // those who come later in the line stay
		}
		change, err := r.RemoveMember(t.Context(), c.ID, members[i], members[i])
		if err != nil {
			t.Errorf("leave: %v", err)
		}
		versions[i] = change.Version
	})
	requireMembers(t, r, c.ID, members[callers/4:]...)
	requireDense(t, versions, 2, 1+callers/4)
	if got := must(r.Get(t.Context(), c.ID, members[callers]))(t); got.OwnerID != members[callers/4] || got.Members != len(members)-callers/4 {
		t.Errorf("what is left is %+v", got)
	}
}

func concurrentRaises(t *testing.T, open Open) {
	c := start(t, open(t), "ann", "bob")
	r := atOnce(t, open, func(i int, r conversation.Repository) {
		one := raise(1, head(int64(1+i/4), int64(1+i/4+10*(i%4)), "bob")) // four revs of each seq
		one.ConversationID = c.ID
		if raised := raiseOne(t, r, c.ID, one); raised.HeadSeq < one.Newest.Seq {
			t.Errorf("a raise to %d answered %+v", one.Newest.Seq, raised)
		}
	})
	got := must(r.Get(t.Context(), c.ID, "bob"))(t)
	if want := head(callers/4, callers/4+30, "bob"); got.Head != want || got.LastActivity != at(callers/4) || got.ReadSeq != want.Seq {
		t.Errorf("the head is %+v at %v, read to %d; want %+v", got.Head, got.LastActivity, got.ReadSeq, want)
	}
}
