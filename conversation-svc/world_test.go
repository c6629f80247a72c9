package conversation_test

import (
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"strings"
	"testing"
	"time"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

// world is a running conversation-svc with stand-ins for its peers.
type world struct {
	servertest.Service
	t        *testing.T
	env      server.Env
	users    users
	messages *messages
	peers    *peer.Peers
}

var people = []string{"ann", "bob", "cid", "dan", "eve"}

// eachStore runs the test over both stores.
func eachStore(t *testing.T, test func(*testing.T, *world)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newWorld(t, openSQLite(t)(t))) })
	t.Run("MongoDB", func(t *testing.T) { test(t, newWorld(t, openMongo(t)(t))) })
}

// onSQLite returns a world over one store, for what no store matters to.
func onSQLite(t *testing.T, options ...func(*conversation.Config, *server.Env)) *world {
	return newWorld(t, openSQLite(t)(t), options...)
}

func newWorld(t *testing.T, repo conversation.Repository, options ...func(*conversation.Config, *server.Env)) *world {
	t.Helper()
	w := &world{t: t, users: users{tokentest.New(people...)}, peers: &peer.Peers{}}
	w.messages = newMessages(w.peers)
	w.peers.Auth, w.peers.Messages = w.users, w.messages
	w.env = servertest.Env(t, w.peers)
	var cfg conversation.Config
	cfg.RegisterFlags(flag.NewFlagSet("test", flag.PanicOnError))
	cfg.MaxMembers, cfg.StartsPerMinute = 4, 0
	for _, option := range options {
		option(&cfg, &w.env)
	}
	app, err := conversation.New(t.Context(), cfg, conversation.Deps{Env: w.env, Repository: repo})
	if err != nil {
		t.Fatal(err)
	}
	w.peers.Conversations = app.Peer()
	w.Service = servertest.Start(t, app)
	return w
}

func (w *world) call(userID, method, path string, body any) servertest.Answer {
	w.t.Helper()
	return servertest.Call(w.t, method, w.Public+path, w.users.Token(w.t, userID, time.Minute), body)
}

// refused wants a problem of this status and code.
func (w *world) refused(status int, code string, a servertest.Answer) {
	w.t.Helper()
	if problem := servertest.Want[servertest.Problem](w.t, status, a); problem.Code != code {
		w.t.Errorf("the code is %s, want %s", problem.Code, code)
	}
}

type started struct {
	Conversation conversation.View `json:"conversation"`
	Message      *chat.Message     `json:"message"`
}

type object = map[string]any

// start starts a conversation and wants the status.
func (w *world) start(status int, userID string, body object) started {
	w.t.Helper()
	return servertest.Want[started](w.t, status, w.call(userID, http.MethodPost, "/v1/conversations", body))
}

func (w *world) direct(status int, userID, otherID string) conversation.View {
	w.t.Helper()
	return w.start(status, userID, object{"type": "direct", "member_ids": []string{otherID}}).Conversation
}

// group starts a group that the first of them owns.
func (w *world) group(userIDs ...string) conversation.View {
	w.t.Helper()
	return w.start(http.StatusCreated, userIDs[0], object{"type": "group", "title": "team", "member_ids": userIDs[1:]}).Conversation
}

func (w *world) get(userID, conversationID string) conversation.View {
	w.t.Helper()
	return servertest.Want[started](w.t, http.StatusOK, w.call(userID, http.MethodGet, "/v1/conversations/"+conversationID, nil)).Conversation
}

func (w *world) inbox(userID, query string) conversation.Inbox {
	w.t.Helper()
	return servertest.Want[conversation.Inbox](w.t, http.StatusOK, w.call(userID, http.MethodGet, "/v1/conversations"+query, nil))
}

func (w *world) markRead(userID, conversationID string, seq int64) servertest.Answer {
	w.t.Helper()
	return w.call(userID, http.MethodPut, "/v1/conversations/"+conversationID+"/read", object{"seq": seq})
}

// listen returns what is published on the channels from now on.
func (w *world) listen(channels ...string) *listener {
	w.t.Helper()
	s, err := w.env.Broker.Subscribe(w.t.Context())
	if err == nil {
		err = s.Add(w.t.Context(), channels...)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() })
	return &listener{w.t, s}
}

type listener struct {
	t *testing.T
	broker.Subscription
}

// next waits for an event on the channel and decodes it. Inbox hints come by their own clock: only who waits for them sees them.
func next[E any](l *listener, channel string) E {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 5*time.Second)
	defer cancel()
	var event E
	_, hints := any(event).(chat.InboxEvent)
	d, err := l.Receive(ctx)
	for err == nil && !hints && strings.Contains(string(d.Payload), `"type":"inbox"`) {
		d, err = l.Receive(ctx)
	}
	if err != nil {
		l.t.Fatalf("nothing came on %s: %v", channel, err)
	}
	if d.Channel != channel {
		l.t.Fatalf("%s came on %s, want %s", d.Payload, d.Channel, channel)
	}
	if err := json.Unmarshal(d.Payload, &event); err != nil {
		l.t.Fatal(err)
	}
	return event
}
