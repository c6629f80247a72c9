package brokertest

import (
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/id"
)

func logInOrder(t *testing.T, b broker.Broker) {
	c := id.New()
	wantLog(t, logOf(t, b, c, 0))
	first, second, third := Event(c, 1, "one"), Event(c, 2, "two"), Event(c, 3, "three")
	announce(t, b, first, third, second)
	wantLog(t, logOf(t, b, c, 0), first, second, third)
	wantLog(t, logOf(t, b, c, 1), second, third)
	wantLog(t, logOf(t, b, c, 3))
}

func changeReplaces(t *testing.T, b broker.Broker) {
	c := id.New()
	first, second := Event(c, 1, "one"), Event(c, 2, "two")
	edited := Change(first, 3, "one, edited")
	deleted := Change(first, 4, "")
	deleted.Type = chat.MessageDeleted
	announce(t, b, first, second, edited, deleted)
	first.Message, edited.Message = deleted.Message, deleted.Message
	wantLog(t, logOf(t, b, c, 0), first, second, edited, deleted)
}

func announceAgain(t *testing.T, b broker.Broker) {
	c := id.New()
	first, second := Event(c, 1, "one"), Event(c, 2, "two")
	announce(t, b, first, second, first, second, second)
	wantLog(t, logOf(t, b, c, 0), first, second)
}

func announceLate(t *testing.T, b broker.Broker) {
	c := id.New()
	first := Event(c, 1, "one")
	edited := Change(first, 2, "one, edited")
	announce(t, b, edited, first, first)
	first.Message = edited.Message
	wantLog(t, logOf(t, b, c, 0), first, edited)
}

func logBoundedInEntries(t *testing.T, b broker.Broker) {
	c := id.New()
	const all = broker.LogEntries + 20
	for seq := int64(1); seq <= all; seq++ {
		announce(t, b, Event(c, seq, "short"))
	}
	wantNewest(t, logOf(t, b, c, 0), all, broker.LogEntries)
}

func logBoundedInBytes(t *testing.T, b broker.Broker) {
	c := id.New()
	body := strings.Repeat("x", chat.MaxBody)
	const all = broker.LogBytes/chat.MaxBody + 10
	for seq := int64(1); seq <= all; seq++ {
		announce(t, b, Event(c, seq, body))
	}
	events := logOf(t, b, c, 0)
	if held := len(events) * len(body); held > broker.LogBytes || held < broker.LogBytes/2 {
		t.Errorf("the log holds bodies of %d bytes, want nearly %d", held, broker.LogBytes)
	}
	wantNewest(t, events, all, len(events))
}

// wantNewest wants the last n events up to newest, without holes.
func wantNewest(t *testing.T, events []chat.Event, newest int64, n int) {
	t.Helper()
	if len(events) != n {
		t.Fatalf("the log has %d events, want %d", len(events), n)
	}
	for i, e := range events {
		if want := newest - int64(n) + int64(i) + 1; e.Rev != want {
			t.Fatalf("event %d of the log has rev %d, want %d", i, e.Rev, want)
		}
	}
}

func conversationsDoNotMix(t *testing.T, b broker.Broker) {
	one, other := id.New(), id.New()
	a, z := Event(one, 1, "here"), Event(other, 1, "there")
	announce(t, b, a, z)
	wantLog(t, logOf(t, b, one, 0), a)
	wantLog(t, logOf(t, b, other, 0), z)
}
