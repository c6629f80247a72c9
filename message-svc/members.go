package message

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	memberLife  = 5 * time.Second // how long a former member may still read and send where the event that removes her is lost
	membersKept = 100_000         // past it all are forgotten
)

// members remembers who is in a conversation. Strangers are not remembered: one who is added may come in at once.
type members struct {
	peers *peer.Peers

	mu     sync.Mutex
	of     map[peer.MemberPair]known
	events uint64 // membership events heard: an answer asked for before one is not kept
}

type known struct {
	peer.Membership
	until time.Time
}

func newMembers(peers *peer.Peers) *members {
	return &members{peers: peers, of: map[peer.MemberPair]known{}}
}

// require returns the user's standing. A stranger gets errNoConversation.
func (m *members) require(ctx context.Context, conversationID, userID string) (peer.Membership, error) {
	pair := peer.MemberPair{ConversationID: conversationID, UserID: userID}
	m.mu.Lock()
	k, events := m.of[pair], m.events
	m.mu.Unlock()
	if time.Now().Before(k.until) {
		return k.Membership, nil
	}
	until := time.Now().Add(memberLife)
	answer, err := m.peers.Conversations.Memberships(ctx, peer.MembershipsRequest{Pairs: []peer.MemberPair{pair}})
	if err != nil {
		return peer.Membership{}, err
	}
	if len(answer.Items) != 1 || !answer.Items[0].Member {
		return peer.Membership{}, errNoConversation
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.events == events {
		if len(m.of) >= membersKept {
			clear(m.of)
		}
		m.of[pair] = known{answer.Items[0], until}
	}
	return answer.Items[0], nil
}

// run forgets members whose standing changes, until ctx ends.
func (m *members) run(ctx context.Context, b broker.Broker) {
	broker.Listen(ctx, b, []string{chat.MembersChannel}, func(d broker.Delivery) {
		var e chat.MemberEvent
		if json.Unmarshal(d.Payload, &e) != nil {
			return // memberLife heals what a broken event should have told
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.events++
		delete(m.of, peer.MemberPair{ConversationID: e.ConversationID, UserID: e.UserID})
	})
}
