package conversationtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

var everything = conversation.Position{At: chat.TimeOf(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC))}

// fill starts n groups of ann's whose last activities are a second apart, but for each third, which has that of the one before.
func fill(t *testing.T, r conversation.Repository, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range n {
		c := conversation.NewGroup("ann", "a title", fmt.Sprintf("key-%d", i))
		c.LastActivity = at(int64(i - i%3/2))
		ids[i] = insert(t, r, c, "ann").ID
	}
	slices.Reverse(ids)
	return ids
}

// read returns the ids of an inbox from the position on, by pages of two.
func read(t *testing.T, r conversation.Repository, userID string, behind conversation.Position) []string {
	t.Helper()
	var ids []string
	for {
		page := must(r.Page(t.Context(), userID, behind, 2))(t)
		for i := range page {
			ids = append(ids, page[i].ID)
		}
		if len(page) < 2 {
			return ids
		}
		behind = conversation.Position{At: page[1].LastActivity, ID: page[1].ID}
	}
}

func pages(t *testing.T, open Open) {
	r := open(t)
	want := fill(t, r, 9)
	start(t, r, "bob")
	if got := read(t, r, "ann", everything); !slices.Equal(got, want) {
		t.Errorf("the inbox is %v, want %v", got, want)
	}
	if got := read(t, r, "eve", everything); got != nil {
		t.Errorf("a stranger's inbox is %v", got)
	}
	c := must(r.Page(t.Context(), "ann", everything, 1))(t)[0]
	if one := must(r.Get(t.Context(), c.ID, "ann"))(t); one != c {
		t.Errorf("the page has %+v, alone it is %+v", c, one)
	}
}

func movingPages(t *testing.T, open Open) {
	r := open(t)
	all := fill(t, r, 7)
	first := must(r.Page(t.Context(), "ann", everything, 3))(t)
	raiseOne(t, r, all[5], raise(1, head(50, 50, "bob"))) // an older one moves up
	late := conversation.NewGroup("ann", "a title", "late")
	late.LastActivity = at(60)
	insert(t, r, late, "ann")
	rest := read(t, r, "ann", conversation.Position{At: first[2].LastActivity, ID: first[2].ID})
	if want := []string{all[3], all[4], all[6]}; !slices.Equal(rest, want) {
		t.Errorf("the rest is %v, want %v", rest, want)
	}
	if got := read(t, r, "ann", everything); len(got) != 8 || got[0] != late.ID || got[1] != all[5] {
		t.Errorf("the inbox is %v", got)
	}
}

func heads(t *testing.T, open Open) {
	r := open(t)
	want := fill(t, r, 5)
	slices.Sort(want)
	raiseOne(t, r, want[1], raise(1, head(3, 4, "ann")))
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		marks := must(r.Heads(t.Context(), after, 2))(t)
		for _, m := range marks {
			got = append(got, m.ConversationID)
			if moved := m.ConversationID == want[1]; moved != (m.Seq == 3 && m.Rev == 4) {
				t.Errorf("the walk sees %+v", m)
			}
		}
		if len(marks) == 0 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the walk saw %v, want %v", got, want)
	}
}

func positions(t *testing.T, open Open) {
	r := open(t)
	c := start(t, r, "ann", "bob")
	for _, seq := range []int64{3, 9, 5} {
		if err := r.MarkRead(t.Context(), c.ID, "bob", seq); err != nil {
			t.Fatal(err)
		}
	}
	requireStanding(t, r, c.ID, "bob", conversation.Standing{ReadSeq: 9, ClearedSeq: conversation.NotCleared})
	for i, seq := range []int64{6, 4} {
		if version := must(r.Clear(t.Context(), c.ID, "bob", seq))(t); version != int64(2+i) {
			t.Errorf("clearing took version %d, want %d", version, 2+i)
		}
	}
	requireStanding(t, r, c.ID, "bob", conversation.Standing{FromSeq: 6, ReadSeq: 9, ClearedSeq: 6})
	must(r.Clear(t.Context(), c.ID, "ann", 0))(t)
	requireStanding(t, r, c.ID, "ann", conversation.Standing{})
	for _, conversationID := range []string{c.ID, "none"} {
		_, err := r.Clear(t.Context(), conversationID, "eve", 3)
		requireCode(t, notFound, err)
	}
	if got := must(r.Get(t.Context(), c.ID, "ann"))(t); got.Version != 4 || got.Members != 2 {
		t.Errorf("after three clearings it is %+v", got)
	}
	if err := r.MarkRead(t.Context(), c.ID, "eve", 3); err == nil {
		_, err = r.Get(t.Context(), c.ID, "eve")
		requireCode(t, notFound, err)
		requireMembers(t, r, c.ID, "ann", "bob")
	}
}

func requireStanding(t *testing.T, r conversation.Repository, conversationID, userID string, want conversation.Standing) {
	t.Helper()
	if got := must(r.Get(t.Context(), conversationID, userID))(t).Standing; got != want {
		t.Fatalf("%s's standing is %+v, want %+v", userID, got, want)
	}
	for _, m := range must(r.Members(t.Context(), conversationID))(t) {
		if m.UserID == userID && m.Standing != want {
			t.Fatalf("%s's standing among the members is %+v, want %+v", userID, m.Standing, want)
		}
	}
}

func raises(t *testing.T, open Open) {
	r := open(t)
	c := start(t, r, "ann", "bob")
	changed := head(2, 6, "ann")
	changed.Excerpt, changed.At = "changed", at(30)
	for _, tt := range []struct {
		name  string
		raise peer.Raise
		moved bool
		head  peer.Head // afterwards
		at    chat.Time // the last activity afterwards
	}{
		{"the first messages", raise(1, head(2, 2, "ann")), true, head(2, 2, "ann"), at(2)},
		{"a gap is refused", raise(4, head(5, 5, "ann")), false, head(2, 2, "ann"), at(2)},
		{"the same again", raise(1, head(2, 2, "ann")), false, head(2, 2, "ann"), at(2)},
		{"the newest message changed", raise(3, changed), true, changed, at(2)},
		{"an older change", raise(3, head(2, 4, "ann")), false, changed, at(2)},
		{"the next one, with an overlap", raise(2, head(3, 7, "bob")), true, head(3, 7, "bob"), at(3)},
		{"a change of what is newest no more", raise(3, head(2, 8, "ann")), false, head(3, 7, "bob"), at(3)},
		{"a lower rev with a higher seq", raise(4, head(4, 5, "bob")), true, head(4, 5, "bob"), at(4)},
		{"a raise that is late", raise(1, head(1, 1, "ann")), false, head(4, 5, "bob"), at(4)},
	} {
		raised := raiseOne(t, r, c.ID, tt.raise)
		want := conversation.Raised{Moved: tt.moved, RaisedHead: peer.RaisedHead{HeadSeq: tt.head.Seq, Members: 2}}
		if raised != want {
			t.Errorf("%s: answered %+v, want %+v", tt.name, raised, want)
		}
		for _, e := range []conversation.Entry{
			must(r.Get(t.Context(), c.ID, "bob"))(t), must(r.Page(t.Context(), "bob", everything, 1))(t)[0],
		} {
			if e.Head != tt.head || e.LastActivity != tt.at {
				t.Errorf("%s: the head is %+v at %v, want %+v at %v", tt.name, e.Head, e.LastActivity, tt.head, tt.at)
			}
		}
	}
	if raised := raiseOne(t, r, "none", raise(1, head(1, 1, "ann"))); raised != (conversation.Raised{}) {
		t.Errorf("a raise of nothing answered %+v", raised)
	}
	_, err := r.Get(t.Context(), "none", "ann")
	requireCode(t, notFound, err)
}

func raiseAuthors(t *testing.T, open Open) {
	r := open(t)
	c := start(t, r, "ann", "bob", "cid.-_9")
	requireRead := func(ann, bob, cid int64) {
		t.Helper()
		for userID, want := range map[string]int64{"ann": ann, "bob": bob, "cid.-_9": cid} {
			if got := must(r.Get(t.Context(), c.ID, userID))(t).ReadSeq; got != want {
				t.Errorf("%s has read to %d, want %d", userID, got, want)
			}
		}
	}
	of := func(from int64, newest peer.Head, authors map[string]int64) {
		t.Helper()
		one := raise(from, newest)
		one.Authors = authors
		raiseOne(t, r, c.ID, one)
	}
	of(1, head(4, 4, "bob"), map[string]int64{"ann": 2, "bob": 4, "eve": 3})
	requireRead(2, 4, 0)
	of(1, head(4, 4, "bob"), map[string]int64{"ann": 1, "cid.-_9": 3}) // the head is there already
	requireRead(2, 4, 3)
	of(7, head(7, 7, "ann"), map[string]int64{"ann": 7}) // refused
	requireRead(2, 4, 3)
	of(5, head(5, 5, "cid.-_9"), nil) // of the newest message the author is known
	requireRead(2, 4, 5)
	requireMembers(t, r, c.ID, "ann", "bob", "cid.-_9")
}
