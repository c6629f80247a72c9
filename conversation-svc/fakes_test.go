package conversation_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

// users stands in for auth-svc.
type users struct{ *tokentest.Issuer }

func (u users) Recipients(ctx context.Context, r peer.RecipientsRequest) (peer.Users, error) {
	all, err := u.Users(ctx, peer.UsersRequest{IDs: []string{"bob", "cid", "dan"}})
	slices.SortFunc(all.Items, func(a, b peer.User) int { return cmp.Compare(a.ID, b.ID) })
	all.Items = all.Items[:min(r.Limit, len(all.Items))]
	return all, err
}

// messages stands in for message-svc. It asks for membership and raises heads as that does, but at once.
type messages struct {
	peer.Messages
	peers *peer.Peers
	calls map[string]int // by method, guarded by mu

	mu         sync.Mutex
	of         map[string][]chat.Message // by conversation
	raises     bool                      // false: raises are lost
	crashAfter bool                      // true: a first message is stored, and then the caller is gone
}

func newMessages(peers *peer.Peers) *messages {
	return &messages{peers: peers, of: map[string][]chat.Message{}, calls: map[string]int{}, raises: true}
}

var errCrash = errors.New("the process was killed")

func (m *messages) StoreFirst(ctx context.Context, r peer.SendRequest) (peer.Sent, error) {
	sent := m.store(ctx, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls["StoreFirst"]++
	if m.crashAfter {
		return peer.Sent{}, errCrash
	}
	return sent, nil
}

func (m *messages) Send(ctx context.Context, r peer.SendRequest) (peer.Sent, error) {
	answer, err := m.peers.Conversations.Memberships(ctx, peer.MembershipsRequest{
		Pairs: []peer.MemberPair{{ConversationID: r.ConversationID, UserID: identity.UserID(ctx)}},
	})
	if err != nil {
		return peer.Sent{}, err
	}
	if !answer.Items[0].Member {
		return peer.Sent{}, fault.New(fault.NotFound, "conversation_not_found", "No.")
	}
	sent := m.store(ctx, r)
	return sent, m.raise(ctx, sent.Message)
}

func (m *messages) store(ctx context.Context, r peer.SendRequest) peer.Sent {
	m.mu.Lock()
	defer m.mu.Unlock()
	author, stored := identity.UserID(ctx), m.of[r.ConversationID]
	for _, s := range stored {
		if r.ClientMsgID != "" && s.ClientMsgID == r.ClientMsgID && s.AuthorID == author {
			return peer.Sent{Message: s}
		}
	}
	seq := int64(len(stored) + 1)
	sent := chat.Message{
		ID: id.New(), ConversationID: r.ConversationID, Seq: seq, Rev: seq, AuthorID: author, Body: r.Body, ClientMsgID: r.ClientMsgID, CreatedAt: chat.Now(),
	}
	m.of[r.ConversationID] = append(stored, sent)
	return peer.Sent{Message: sent, Created: true}
}

func (m *messages) raise(ctx context.Context, newest chat.Message) error {
	m.mu.Lock()
	raises := m.raises
	m.mu.Unlock()
	if !raises {
		return nil
	}
	_, err := m.peers.Conversations.RaiseHeads(ctx, peer.RaiseHeadsRequest{Raises: []peer.Raise{{
		ConversationID: newest.ConversationID, FromSeq: newest.Seq, Newest: peer.HeadOf(newest),
	}}})
	return err
}

func (m *messages) Edit(ctx context.Context, r peer.EditRequest) (peer.Sent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, stored := range m.of {
		for i := range stored {
			if stored[i].ID == r.MessageID && stored[i].AuthorID == identity.UserID(ctx) {
				stored[i].Body = r.Body
				return peer.Sent{Message: stored[i]}, nil
			}
		}
	}
	return peer.Sent{}, fault.New(fault.NotFound, "message_not_found", "There is no such message.")
}

func (m *messages) Last(_ context.Context, r peer.LastRequest) (peer.Lasts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls["Last"]++
	lasts := peer.Lasts{Items: make([]peer.Last, len(r.ConversationIDs))}
	for i, conversationID := range r.ConversationIDs {
		if stored := m.of[conversationID]; len(stored) > 0 {
			newest := stored[len(stored)-1]
			lasts.Items[i] = peer.Last{Seq: newest.Seq, Rev: newest.Rev, Newest: &newest}
		}
	}
	return lasts, nil
}

func (m *messages) Newest(_ context.Context, r peer.NewestRequest) (peer.NewestMessages, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	stored := m.of[r.ConversationID]
	newest := slices.Clone(stored[min(r.AfterSeq, int64(len(stored))):])
	slices.Reverse(newest)
	return peer.NewestMessages{Items: newest[:min(r.Limit, len(newest))]}, nil
}

// bodies returns a conversation's messages, oldest first.
func (m *messages) bodies(conversationID string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var bodies []string
	for _, stored := range m.of[conversationID] {
		bodies = append(bodies, stored.Body)
	}
	return bodies
}

// set changes what the stand-in does.
func (m *messages) set(change func(*messages)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// send sends as the user does, past conversation-svc.
func (m *messages) send(t *testing.T, userID, conversationID, body string) chat.Message {
	t.Helper()
	sent, err := m.Send(identity.As(t.Context(), userID), peer.SendRequest{ConversationID: conversationID, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return sent.Message
}
