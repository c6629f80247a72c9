package conversation

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

const (
	hintEvery      = time.Second            // at most one hint for a conversation in this time
	hintTick       = 100 * time.Millisecond // the longest a hint waits without need
	hintsLen       = 10_000                 // conversations that have a hint waiting or had one within hintEvery
	hintPublishers = 8
	hintTimeout    = 2 * time.Second // for the hints of one tick; what is late then is lost
)

// hints tells members' inboxes that a conversation moved. It holds no members: they are read when a hint goes out.
type hints struct {
	repo      Repository
	publisher *publisher
	log       *slog.Logger

	mu    sync.Mutex
	moved map[string]*hint // by conversation
}

// hint is the newest place that a conversation moved to.
type hint struct {
	seq, rev int64
	waits    bool      // not told yet
	next     time.Time // when it may be told
}

func newHints(repo Repository, p *publisher, log *slog.Logger) *hints {
	return &hints{repo: repo, publisher: p, log: log, moved: map[string]*hint{}}
}

// touch notes that a conversation moved. It never waits.
func (h *hints) touch(conversationID string, seq, rev int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.moved[conversationID]
	if known == nil {
		if len(h.moved) >= hintsLen {
			h.publisher.outcome.WithLabelValues("inbox", "dropped").Inc()
			return
		}
		known = &hint{}
		h.moved[conversationID] = known
	}
	known.seq, known.rev, known.waits = max(known.seq, seq), max(known.rev, rev), true
}

// run tells the hints until ctx ends. Those that wait then are lost, as hints may be.
func (h *hints) run(ctx context.Context) {
	ticker := time.NewTicker(hintTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for batch := range slices.Chunk(h.due(now), chat.MaxBatch) {
				h.tell(ctx, batch)
			}
		}
	}
}

// due takes the hints that may be told now, and forgets conversations that have been quiet.
func (h *hints) due(now time.Time) []chat.InboxEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	var events []chat.InboxEvent
	for conversationID, known := range h.moved {
		switch {
		case now.Before(known.next):
		case known.waits:
			events = append(events, chat.InboxEvent{Type: chat.Inbox, ConversationID: conversationID, Seq: known.seq, Rev: known.rev})
			known.waits, known.next = false, now.Add(hintEvery)
		default:
			delete(h.moved, conversationID)
		}
	}
	return events
}

func (h *hints) tell(ctx context.Context, events []chat.InboxEvent) {
	ctx, cancel := context.WithTimeout(ctx, hintTimeout)
	defer cancel()
	ids := make([]string, len(events))
	byID := map[string]chat.InboxEvent{}
	for i, e := range events {
		ids[i] = e.ConversationID
		byID[e.ConversationID] = e
	}
	members, err := h.repo.MemberIDs(ctx, ids)
	if err != nil {
		h.log.WarnContext(ctx, "inbox hints not told", "error", err.Error())
		return
	}
	type told struct {
		channel string
		payload []byte
	}
	queue := make(chan told)
	var publishers sync.WaitGroup
	for range hintPublishers {
		publishers.Go(func() {
			for t := range queue {
				h.publisher.publish(ctx, "inbox", t.channel, t.payload)
			}
		})
	}
	for conversationID, userIDs := range members {
		payload, _ := json.Marshal(byID[conversationID]) // strings and numbers always encode
		for _, userID := range userIDs {
			queue <- told{chat.UserChannel(userID), payload}
		}
	}
	close(queue)
	publishers.Wait()
}
