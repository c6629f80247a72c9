package conversation

import (
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
)

func TestAConversationIsHintedAtMostOnceASecond(t *testing.T) {
	h := newHints(nil, newPublisher(broker.NewMemory(), slog.New(slog.DiscardHandler), prometheus.NewRegistry()), nil)
	now := time.Now()
	requireDue := func(after time.Duration, want ...chat.InboxEvent) {
		t.Helper()
		got := h.due(now.Add(after))
		if len(got) != len(want) || len(want) == 1 && got[0] != want[0] {
			t.Fatalf("after %v due are %+v, want %+v", after, got, want)
		}
	}
	h.touch("c", 1, 1)
	h.touch("c", 3, 4)
	h.touch("c", 2, 2)
	requireDue(0, chat.InboxEvent{Type: chat.Inbox, ConversationID: "c", Seq: 3, Rev: 4})
	h.touch("c", 4, 5)
	requireDue(999 * time.Millisecond)
	h.touch("c", 5, 6)
	requireDue(time.Second, chat.InboxEvent{Type: chat.Inbox, ConversationID: "c", Seq: 5, Rev: 6})
	requireDue(1999 * time.Millisecond)
	if len(h.moved) != 1 {
		t.Errorf("%d conversations are remembered", len(h.moved))
	}
	requireDue(2 * time.Second)
	if len(h.moved) != 0 {
		t.Errorf("%d quiet conversations are remembered", len(h.moved))
	}
	for i := range hintsLen + 5 {
		h.touch(strconv.Itoa(i), 1, 1)
	}
	if len(h.moved) != hintsLen {
		t.Errorf("%d conversations are remembered, want %d at most", len(h.moved), hintsLen)
	}
}
