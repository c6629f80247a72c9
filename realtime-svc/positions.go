package realtime

import (
	"context"
	"slices"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	checkEvery   = 30 * time.Second
	checkTrouble = 5 * time.Second // while subscriptions fail: nothing tells of new events then
	checkPause   = time.Second     // between a comparison and one that an interruption asks for
)

// checkSoon asks for a comparison: events may have been lost.
func (h *hub) checkSoon() {
	select {
	case h.check <- struct{}{}:
	default:
	}
}

// checkPositions compares every room with message-svc and conversation-svc, every checkEvery, in trouble more often, and when asked, until ctx
// ends. So a loss that nobody noticed delays an event, and no more.
func (h *hub) checkPositions(ctx context.Context) {
	always, inTrouble := time.NewTicker(checkEvery), time.NewTicker(checkTrouble)
	defer always.Stop()
	defer inTrouble.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-always.C:
		case <-inTrouble.C:
			if h.broker.Trouble() == nil {
				continue
			}
		case <-h.check:
		}
		for batch := range slices.Chunk(h.rooms(), chat.MaxBatch) {
			h.comparePositions(ctx, batch)
			h.compareMembers(ctx, batch)
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

func ids(rooms []*room) []string {
	list := make([]string, len(rooms))
	for i, r := range rooms {
		list[i] = r.id
	}
	return list
}

func (h *hub) comparePositions(ctx context.Context, rooms []*room) {
	if guard.Off(guard.PositionCheck) {
		return
	}
	lasts, err := h.peers.Messages.Last(ctx, peer.LastRequest{ConversationIDs: ids(rooms)})
	if err != nil {
		h.failed(ctx, "positions not compared", err)
		return
	}
	for i, last := range lasts.Items {
		rooms[i].standsAt(last.Rev)
	}
}

// compareMembers asks for versions alone: a room that lacks one fetches its own set.
func (h *hub) compareMembers(ctx context.Context, rooms []*room) {
	answer, err := h.peers.Conversations.MemberVersions(ctx, peer.MemberVersionsRequest{ConversationIDs: ids(rooms)})
	if err != nil {
		h.failed(ctx, "members not compared", err)
		return
	}
	for _, r := range rooms {
		if version, ok := answer.Versions[r.id]; ok {
			r.membersStandAt(version)
		} else {
			r.vanished()
		}
	}
}
