package e2e_test

import (
	"testing"
	"time"
)

func TestJoinAndLeaveTwice(t *testing.T) {
	people := newCast(t, underTest.url).scene(t)
	author, boss := people.people[plain], people.people[owner]
	s := boss.dial(t)
	on := func(command string) frame {
		f, _ := s.command(map[string]any{"type": command, "conversation": people.conversation})
		return f
	}
	for step, row := range []struct{ command, code string }{
		{"leave", "not_joined"}, {"typing", "not_joined"}, {"join", ""}, {"join", ""}, {"typing", ""}, {"leave", ""}, {"leave", "not_joined"},
		{"typing", "not_joined"}, {"join", ""},
	} {
		if f := on(row.command); f.Code != row.code || (f.Type == "reply") != (row.code == "") {
			t.Fatalf("step %d, %s: got %+v, want %q", step, row.command, f, row.code)
		}
	}
	first := author.send(t, people.conversation, secret)
	second := author.send(t, people.conversation, secret)
	for _, m := range []string{first.ID, second.ID} {
		if f := s.until("message.created"); f.Message.ID != m {
			t.Fatalf("got %+v, want each message once", f)
		}
	}
	on("leave")
	author.send(t, people.conversation, secret)
	f, before := s.command(map[string]any{"type": "join", "conversation": people.conversation, "rev": second.Rev})
	if f.Joined == nil || f.Joined.Rev != second.Rev+1 {
		t.Fatalf("she joins again: %+v", f)
	}
	events := 0
	for _, f := range before {
		if f.Type == "message.created" && f.Rev == second.Rev+1 {
			events++
		}
	}
	if events != 1 {
		t.Fatalf("%d events before the answer, want the one that she missed: %+v", events, before)
	}
}

func TestSocketJoins500ConversationsAndNoMore(t *testing.T) {
	t.Parallel() // it takes a while
	ann := register(t, own(t).url)
	s := ann.dial(t)
	var last string
	for i := range 501 {
		last = ann.group(t)
		s.ask(map[string]any{"type": "join", "conversation": last})
		if f := s.answer(); i < 500 && f.Joined == nil || i == 500 && f.Code != "too_many_joined" {
			t.Fatalf("join %d is answered by %+v", i+1, f)
		}
	}
	first := ann.inbox(t)[1].ID // of those that were joined
	if f, _ := s.command(map[string]any{"type": "leave", "conversation": first}); f.Type != "reply" {
		t.Fatalf("leave is answered by %+v", f)
	}
	if f := s.join(last); f.Joined == nil {
		t.Fatalf("then the last is answered by %+v", f)
	}
}

// rounds is how often Cid is removed and added again while he joins. A socket may give 600 commands at once.
const rounds = 30

// stay is what a socket has of a conversation between a join and the removal.
type stay struct {
	in   bool
	last int64
}

// Joins are on their way while Cid is removed and added. Each lets him in, and then he gets every event up to his removal without a
// hole, or is refused; what comes after a removal comes after another join.
func TestJoinWhileBeingRemoved(t *testing.T) {
	c := own(t)
	ann, cid := register(t, c.url), register(t, c.url)
	chat := ann.group(t, cid)
	members := "/v1/conversations/" + chat + "/members"
	hers, his := ann.dial(t), cid.dial(t)
	hers.join(chat)
	asked := 0
	join := func(times int) {
		for range times {
			asked = his.ask(map[string]any{"type": "join", "conversation": chat})
		}
	}
	passed := map[int64]int64{} // by the version of each removal: the rev of the last event that passed before it was asked for
	rev := int64(0)
	tell := func() {
		ann.send(t, chat, secret)
		rev = hers.until("message.created").Rev
	}
	for round := range rounds {
		tell()
		join(round%8 + 1)
		last := rev
		want[any](t, 204, ann.call(t, "DELETE", members+"/"+cid.id, nil))
		passed[hers.until("member.removed").Version] = last
		join(2)
		tell()
		join(round % 3)
		want[any](t, 201, ann.call(t, "POST", members, map[string]string{"user_id": cid.id}))
		join(2)
	}
	want[any](t, 204, ann.call(t, "DELETE", members+"/"+cid.id, nil))
	passed[hers.until("member.removed").Version] = rev
	removed := time.Now()
	join(1)
	var got stay
	joins, removals := 0, 0
	for f := (frame{}); f.ID != asked; {
		f = his.next()
		got.take(t, f, cid.id, passed)
		if f.Joined != nil {
			joins++
		}
		if f.Type == "member.removed" {
			removals++
		}
	}
	if got.in || joins == 0 || removals == 0 {
		t.Fatalf("%d joins, %d removals, and in the end he is in: %v", joins, removals, got.in)
	}
	time.Sleep(time.Until(removed.Add(time.Second))) // the time in which a removal is to reach every socket
	tell()
	ping := his.ask(map[string]any{"type": "ping"})
	for f := (frame{}); f.ID != ping; {
		if f = his.next(); f.Type == "message.created" {
			t.Fatalf("a second after the removal comes %+v", f)
		}
	}
	t.Logf("%d joins, %d removals heard of", joins, removals)
}

func (s *stay) take(t *testing.T, f frame, userID string, passed map[int64]int64) {
	t.Helper()
	switch {
	case f.Joined != nil:
		s.in, s.last = true, f.Joined.Rev
	case f.Type == "error" && (s.in || f.Code != "conversation_not_found" && f.Code != "members_changing"):
		t.Fatalf("a join is answered by %+v; he is in: %v", f, s.in)
	case f.Type == "member.removed" && f.UserID == userID:
		if s.in && s.last < passed[f.Version] {
			t.Fatalf("he is out as of version %d and has events up to %d of %d", f.Version, s.last, passed[f.Version])
		}
		s.in = false
	case f.Type == "message.created" && (!s.in || f.Rev != s.last+1):
		t.Fatalf("event %d comes after %d; he is in: %v", f.Rev, s.last, s.in)
	case f.Type == "message.created":
		s.last = f.Rev
	case f.Type == "closed":
		t.Fatalf("the socket was closed: %+v", f)
	}
}
