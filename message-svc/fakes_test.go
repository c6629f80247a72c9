package message_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/message-svc/messagetest"
	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

// conversations stands in for conversation-svc. It moves heads by conversation-svc's rules.
type conversations struct {
	peer.Conversations

	mu      sync.Mutex
	members map[peer.MemberPair]peer.Membership
	heads   map[string]peer.Head
	read    map[peer.MemberPair]int64
	down    bool
	refused string // a conversation whose raises are refused, with all others of the request
}

func newConversations() *conversations {
	return &conversations{
		members: map[peer.MemberPair]peer.Membership{}, heads: map[string]peer.Head{}, read: map[peer.MemberPair]int64{},
	}
}

func (c *conversations) add(conversationID, userID string, m peer.Membership) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m.Member = true
	c.members[peer.MemberPair{ConversationID: conversationID, UserID: userID}] = m
}

func (c *conversations) remove(conversationID, userID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members, peer.MemberPair{ConversationID: conversationID, UserID: userID})
}

func (c *conversations) setDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func (c *conversations) Memberships(_ context.Context, r peer.MembershipsRequest) (peer.Memberships, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var answer peer.Memberships
	for _, pair := range r.Pairs {
		answer.Items = append(answer.Items, c.members[pair])
	}
	return answer, nil
}

func (c *conversations) RaiseHeads(_ context.Context, r peer.RaiseHeadsRequest) (peer.RaisedHeads, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return peer.RaisedHeads{}, errors.New("conversation-svc is down")
	}
	if slices.ContainsFunc(r.Raises, func(raise peer.Raise) bool { return raise.ConversationID == c.refused }) {
		return peer.RaisedHeads{}, fault.BadField("raises", "One of them is wrong.")
	}
	var answer peer.RaisedHeads
	for _, raise := range r.Raises {
		head := c.heads[raise.ConversationID]
		if head.Seq >= raise.FromSeq-1 {
			for author, seq := range raise.Authors {
				pair := peer.MemberPair{ConversationID: raise.ConversationID, UserID: author}
				c.read[pair] = max(c.read[pair], seq)
			}
			if n := raise.Newest; n.Seq > head.Seq || n.Seq == head.Seq && n.Rev > head.Rev {
				head = n
			}
		}
		c.heads[raise.ConversationID] = head
		answer.Items = append(answer.Items, peer.RaisedHead{HeadSeq: head.Seq, Members: 2})
	}
	return answer, nil
}

func (c *conversations) head(conversationID string) peer.Head {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heads[conversationID]
}

// fixture is a running message-svc with Ann and Bob in conversation c; Eve is a stranger.
type fixture struct {
	servertest.Service
	app           *message.App
	broker        broker.Broker
	conversations *conversations
	ann, bob, eve string // tokens
}

func start(t *testing.T, repo message.Repository) *fixture {
	t.Helper()
	return startWith(t, repo, message.Config{})
}

func startWith(t *testing.T, repo message.Repository, cfg message.Config) *fixture {
	t.Helper()
	issuer := tokentest.New("ann", "bob", "eve")
	f := &fixture{
		conversations: newConversations(),
		ann:           issuer.Token(t, "ann", time.Hour), bob: issuer.Token(t, "bob", time.Hour), eve: issuer.Token(t, "eve", time.Hour),
	}
	f.conversations.add("c", "ann", peer.Membership{Role: peer.RoleOwner})
	f.conversations.add("c", "bob", peer.Membership{Role: peer.RoleMember})
	env := servertest.Env(t, &peer.Peers{Auth: issuer, Conversations: f.conversations})
	f.broker = env.Broker
	app, err := message.New(t.Context(), cfg, message.Deps{Env: env, Repository: repo})
	if err != nil {
		t.Fatal(err)
	}
	f.app = app
	f.Service = servertest.Start(t, app)
	return f
}

// bothStores runs a test of the service over each store.
func bothStores(t *testing.T, test func(t *testing.T, f *fixture)) {
	for name, open := range map[string]func(*testing.T) messagetest.Open{"SQLite": openSQLite, "MongoDB": openMongo} {
		t.Run(name, func(t *testing.T) { test(t, start(t, open(t)(t))) })
	}
}

// eventually waits for what a service does beside its requests.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 500 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not within 5 s: %s", what)
}
