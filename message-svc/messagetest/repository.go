// Package messagetest is the contract of message-svc's repositories, as tests that each of them runs.
package messagetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/id"
)

const everything = 1_000_000

// Open opens another handle on the test's one store. The handle is closed at the test's end.
type Open func(t *testing.T) message.Repository

// RunRepository runs the contract. Each test gets a store of its own from open.
func RunRepository(t *testing.T, open func(t *testing.T) Open) {
	for name, test := range map[string]func(*testing.T, Open){
		"messages are numbered from one and read from both ends":           numbersAndPages,
		"a key sent again is the same message, with the first body":        sameKey,
		"an edit shows in history and feed and keeps its place":            edits,
		"a tombstone stays a tombstone and takes later numbers":            tombstones,
		"a message that is not there is not found":                         notFound,
		"conversations do not touch each other":                            apart,
		"a stale handle uses no number again":                              staleHandle,
		"64 senders, editors and deleters leave no hole and no double":     hammer,
		"a reader who follows beside the writers sees each event in order": follow,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func draft(author, body string) message.Draft {
	key := id.New()
	return message.Draft{ID: key, Op: message.OpCreate, AuthorID: author, ClientMsgID: key, Body: body, At: chat.Now()}
}

func change(op message.Op, of int64, body string) message.Draft {
	d := draft("ann", body)
	d.Op, d.Of = op, of
	return d
}

func send(t *testing.T, r message.Repository, conversation string, drafts ...message.Draft) []message.Outcome {
	t.Helper()
	outcomes := r.Append(t.Context(), conversation, drafts)
	for _, o := range outcomes {
		if o.Err != nil {
			t.Fatalf("append: %v", o.Err)
		}
	}
	return outcomes
}

func numbersAndPages(t *testing.T, open Open) {
	r := open(t)
	first := send(t, r, "c", draft("ann", "one"), draft("bob", "two"))
	rest := send(t, r, "c", draft("ann", "three"), draft("bob", "four"), draft("ann", "five"))
	for i, o := range append(first, rest...) {
		want := int64(i + 1)
		if o.N != want || o.Message.Seq != want || o.Message.Rev != want {
			t.Fatalf("message %d has n %d, seq %d, rev %d", want, o.N, o.Message.Seq, o.Message.Rev)
		}
	}
	requireBodies(t, "the newest", "five four")(r.Before(t.Context(), "c", 0, 0, 2))
	requireBodies(t, "before 4", "three two")(r.Before(t.Context(), "c", 4, 0, 2))
	requireBodies(t, "before 4, after 2", "three")(r.Before(t.Context(), "c", 4, 2, 10))
	requireBodies(t, "after 2", "three four")(r.After(t.Context(), "c", 2, 2))
	requireBodies(t, "after the last", "")(r.After(t.Context(), "c", 5, 2))

	last, err := r.Last(t.Context(), "c")
	if err != nil || last.Seq != 5 || last.Rev != 5 || last.Newest.Body != "five" {
		t.Fatalf("last is %+v, %v", last, err)
	}
	got, err := r.Get(t.Context(), first[0].Message.ID)
	if err != nil || got != first[0].Message {
		t.Fatalf("got %+v, %v; want %+v", got, err, first[0].Message)
	}
}

func sameKey(t *testing.T, open Open) {
	r := open(t)
	d := draft("ann", "first")
	stored := send(t, r, "c", d)[0]
	again := d
	again.ID, again.Body = id.New(), "second"
	other := draft("bob", "third")
	other.ClientMsgID = d.ClientMsgID // another author's key is another key
	outcomes := send(t, r, "c", draft("ann", "before"), again, other)
	if outcomes[1].ID != d.ID || outcomes[1].Message != stored.Message {
		t.Fatalf("sent again: %+v, want %+v", outcomes[1], stored)
	}
	if outcomes[2].Message.Seq != 3 {
		t.Fatalf("the message behind the double has seq %d, want 3", outcomes[2].Message.Seq)
	}
	requireDense(t, r, "c", 3)
}

func edits(t *testing.T, open Open) {
	r := open(t)
	send(t, r, "c", draft("ann", "one"), draft("bob", "two"))
	edit := change(message.OpEdit, 1, "one, edited")
	o := send(t, r, "c", edit, draft("bob", "three"))
	if o[0].N != 3 || o[0].Message.Rev != 3 || o[0].Message.Seq != 1 || o[0].Message.EditedAt == nil || o[1].N != 4 || o[1].Message.Seq != 3 {
		t.Fatalf("outcomes %+v", o)
	}
	edit.ID = id.New()
	if again := send(t, r, "c", edit)[0]; again.N != 3 || again.Op != message.OpEdit || again.Message.Body != "one, edited" {
		t.Fatalf("the edit again: %+v", again)
	}
	requireBodies(t, "history", "three two one, edited")(r.Before(t.Context(), "c", 0, 0, 10))
	events := requireDense(t, r, "c", 4)
	if e := events[2]; e.Type != chat.MessageUpdated || e.Message.Seq != 1 || !same(*e.Message, o[0].Message) {
		t.Fatalf("the edit's event is %s", describe(e))
	}
	if e := events[0]; e.Type != chat.MessageCreated || e.Message.Body != "one, edited" {
		t.Fatalf("the message's own event does not show its present state: %+v", e.Message)
	}
}

func tombstones(t *testing.T, open Open) {
	r := open(t)
	send(t, r, "c", draft("ann", "one"), draft("bob", "two"))
	o := send(t, r, "c", change(message.OpDelete, 2, ""), change(message.OpEdit, 2, "back"), change(message.OpEdit, 1, "uno"))
	gone := o[1].Message
	if gone.Body != "" || gone.DeletedAt == nil || gone.EditedAt != nil || gone.Rev != 4 {
		t.Fatalf("an edit of a tombstone left %+v", gone)
	}
	if o[2].N != 5 {
		t.Fatalf("the edit behind it has n %d, want 5", o[2].N)
	}
	last, err := r.Last(t.Context(), "c")
	if err != nil || last.Seq != 2 || last.Rev != 5 || !same(*last.Newest, gone) {
		t.Fatalf("last is %+v, %v", last, err)
	}
	requireDense(t, r, "c", 5)
}

func notFound(t *testing.T, open Open) {
	r := open(t)
	send(t, r, "c", draft("ann", "one"))
	edit := send(t, r, "c", change(message.OpEdit, 1, "two"))[0]
	for _, missing := range []string{id.New(), edit.ID} {
		if _, err := r.Get(t.Context(), missing); !errors.Is(err, fault.New("", "message_not_found", "")) {
			t.Fatalf("got %v, want message_not_found", err)
		}
	}
	if last, err := r.Last(t.Context(), "empty"); err != nil || last.Seq != 0 || last.Newest != nil {
		t.Fatalf("last of an empty conversation is %+v, %v", last, err)
	}
}

func apart(t *testing.T, open Open) {
	r := open(t)
	d := draft("ann", "one")
	send(t, r, "c1", d)
	d.ID = id.New()
	if o := send(t, r, "c2", d)[0]; o.N != 1 || o.ID != d.ID {
		t.Fatalf("the same key in another conversation: %+v", o)
	}
}

func requireBodies(t *testing.T, what, want string) func([]chat.Message, error) {
	return func(messages []chat.Message, err error) {
		t.Helper()
		bodies := make([]string, len(messages))
		for i, m := range messages {
			bodies[i] = m.Body
		}
		got := strings.Join(bodies, " ")
		if err != nil || got != want {
			t.Fatalf("%s: %q, %v; want %q", what, got, err, want)
		}
	}
}

// requireDense fails unless the feed has the events 1…n, its messages the seqs 1, 2, 3 …, and the feed's messages are those of history.
func requireDense(t *testing.T, r message.Repository, conversation string, n int) []chat.Event {
	t.Helper()
	events, err := r.Feed(t.Context(), conversation, 0, everything)
	if err != nil || len(events) != n {
		t.Fatalf("the feed has %d events, %v; want %d", len(events), err, n)
	}
	history, err := r.After(t.Context(), conversation, 0, everything)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range history {
		if m.Seq != int64(i+1) {
			t.Fatalf("message %d has seq %d", i+1, m.Seq)
		}
	}
	for i, e := range events {
		if e.Rev != int64(i+1) || e.Message.Seq < 1 || e.Message.Seq > int64(len(history)) || !same(*e.Message, history[e.Message.Seq-1]) {
			t.Fatalf("event %d is %s, which is not message %d of history", i+1, describe(e), e.Message.Seq)
		}
	}
	return events
}

func same(a, b chat.Message) bool {
	return a.ID == b.ID && a.Seq == b.Seq && a.Rev == b.Rev && a.Body == b.Body && (a.DeletedAt == nil) == (b.DeletedAt == nil)
}

func describe(e chat.Event) string { return fmt.Sprintf("%s rev %d of %+v", e.Type, e.Rev, *e.Message) }
