package realtime

import (
	"context"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	checkEvery   = 30 * time.Second
	checkPause   = time.Second // between a comparison and one that an interruption asks for
	checkMembers = 20_000      // members in the sets of one request, as far as known
)

// checkSoon asks for a comparison: events may have been lost.
func (h *hub) checkSoon() {
	select {
	case h.check <- struct{}{}:
	default:
	}
}

// checkPositions compares every room with message-svc and conversation-svc, every checkEvery and when asked, until ctx ends. So a loss
// that nobody noticed delays an event, and no more.
func (h *hub) checkPositions(ctx context.Context) {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-h.check:
		}
		for batch := h.rooms(); len(batch) > 0 && ctx.Err() == nil; {
			n := batchLen(batch)
			h.comparePositions(ctx, batch[:n])
			h.compareMembers(ctx, batch[:n])
			batch = batch[n:]
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(checkPause):
		}
	}
}

func (h *hub) rooms() []*room {
	var rooms []*room
	for _, s := range h.shards {
		rooms = append(rooms, s.rooms.all()...)
	}
	return rooms
}

// batchLen returns how many of the rooms go into one request.
func batchLen(rooms []*room) int {
	members := 0
	for i, r := range rooms[:min(len(rooms), chat.MaxBatch)] {
		r.mu.Lock()
		members += len(r.members.fromSeqs)
		r.mu.Unlock()
		if members > checkMembers && i > 0 {
			return i
		}
	}
	return min(len(rooms), chat.MaxBatch)
}

func ids(rooms []*room) []string {
	list := make([]string, len(rooms))
	for i, r := range rooms {
		list[i] = r.id
	}
	return list
}

func (h *hub) comparePositions(ctx context.Context, rooms []*room) {
	lasts, err := h.peers.Messages.Last(ctx, peer.LastRequest{ConversationIDs: ids(rooms)})
	if err != nil {
		h.failed(ctx, "positions not compared", err)
		return
	}
	for i, last := range lasts.Items {
		rooms[i].standsAt(last.Rev)
	}
}

func (h *hub) compareMembers(ctx context.Context, rooms []*room) {
	sets, err := h.peers.Conversations.MemberSets(ctx, peer.MemberSetsRequest{ConversationIDs: ids(rooms)})
	if err != nil {
		h.failed(ctx, "members not compared", err)
		return
	}
	found := map[string]peer.MemberSet{}
	for _, set := range sets.Items {
		found[set.ConversationID] = set
	}
	for _, r := range rooms {
		if set, ok := found[r.id]; ok {
			r.takeMembers(set)
		} else {
			r.vanished()
		}
	}
}
