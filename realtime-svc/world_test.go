package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

// world stands in for message-svc and conversation-svc: it knows all, and announces what it is told to.
type world struct {
	peer.Conversations // what is not here is not asked
	peer.Messages

	t      *testing.T
	broker broker.Broker

	mu            sync.Mutex
	conversations map[string]*conversation
	feeds         int                 // requests for a feed
	down          bool                // all requests fail
	onSend        func(body string)   // before a message is stored
	onFeed        func()              // before a feed is answered
	onMemberSets  func(n int)         // after the answer is made, before it is given; n counts the requests
	memberSets    int                 // requests for member sets
	sentBy        map[string][]string // bodies by conversation, in the order stored
}

type conversation struct {
	version int64
	members map[string]int64
	reads   map[string]int64
	events  []chat.Event
}

func newWorld(t *testing.T, b broker.Broker) *world {
	return &world{t: t, broker: b, conversations: map[string]*conversation{}, sentBy: map[string][]string{}}
}

func (w *world) create(id string, members ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &conversation{version: 1, members: map[string]int64{}, reads: map[string]int64{}}
	for _, m := range members {
		c.members[m] = 0
	}
	w.conversations[id] = c
}

// store stores a message and returns its event, which is not announced.
func (w *world) store(id, authorID, body string) chat.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.conversations[id]
	seq := int64(1)
	for _, e := range c.events {
		seq = max(seq, e.Message.Seq+1)
	}
	rev := int64(len(c.events) + 1)
	e := chat.Event{Type: chat.MessageCreated, ConversationID: id, Rev: rev, Message: &chat.Message{
		ID: fmt.Sprintf("m%d", seq), ConversationID: id, Seq: seq, Rev: rev, AuthorID: authorID, Body: body, CreatedAt: chat.Now(),
	}}
	c.events = append(c.events, e)
	w.sentBy[id] = append(w.sentBy[id], body)
	return e
}

// edit changes the message of an event, and returns the event of that, which is not announced.
func (w *world) edit(of chat.Event, body string) chat.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.conversations[of.ConversationID]
	m := *of.Message
	m.Rev, m.Body = int64(len(c.events)+1), body
	e := chat.Event{Type: chat.MessageUpdated, ConversationID: of.ConversationID, Rev: m.Rev, Message: &m}
	c.events = append(c.events, e)
	for i := range c.events {
		if c.events[i].Message.ID == m.ID {
			c.events[i].Message = &m
		}
	}
	return e
}

func (w *world) announce(events ...chat.Event) {
	for _, e := range events {
		if err := w.broker.Announce(context.Background(), e); err != nil {
			w.t.Error(err)
		}
	}
}

// say stores and announces n messages.
func (w *world) say(id, authorID string, n int) {
	for range n {
		w.announce(w.store(id, authorID, "hello"))
	}
}

// member changes the members, and returns the event of that, which is not published.
func (w *world) member(kind, id, userID string, fromSeq int64) chat.MemberEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.conversations[id]
	c.version++
	if kind == chat.MemberRemoved {
		delete(c.members, userID)
	} else {
		c.members[userID] = fromSeq
	}
	return chat.MemberEvent{Type: kind, ConversationID: id, UserID: userID, Version: c.version, FromSeq: fromSeq}
}

func (w *world) publish(channel string, event any) {
	payload, err := json.Marshal(event)
	if err == nil {
		err = w.broker.Publish(context.Background(), channel, payload)
	}
	if err != nil {
		w.t.Error(err)
	}
}

// publishMember publishes as conversation-svc does.
func (w *world) publishMember(e chat.MemberEvent) {
	w.publish(chat.ConversationChannel(e.ConversationID), e)
	w.publish(chat.UserChannel(e.UserID), e)
}

var errDown = fault.New(fault.Unavailable, "service_unavailable", "down")

func (w *world) Last(_ context.Context, r peer.LastRequest) (peer.Lasts, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lasts peer.Lasts
	for _, id := range r.ConversationIDs {
		last := peer.Last{}
		if c := w.conversations[id]; c != nil {
			last.Rev = int64(len(c.events))
		}
		lasts.Items = append(lasts.Items, last)
	}
	return lasts, w.err()
}

func (w *world) err() error {
	if w.down {
		return errDown
	}
	return nil
}

func (w *world) Feed(_ context.Context, r peer.FeedRequest) (peer.Feed, error) {
	w.mu.Lock()
	w.feeds++
	hook := w.onFeed
	w.mu.Unlock()
	if hook != nil {
		hook()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down || r.Limit < 1 || r.Limit > chat.MaxPage {
		return peer.Feed{}, errDown
	}
	events := w.conversations[r.ConversationID].events
	from := min(r.AfterRev, int64(len(events)))
	to := min(from+int64(r.Limit), int64(len(events)))
	return peer.Feed{Items: append([]chat.Event(nil), events[from:to]...), HasMore: to < int64(len(events))}, nil
}

func (w *world) Send(ctx context.Context, r peer.SendRequest) (peer.Sent, error) {
	if w.onSend != nil {
		w.onSend(r.Body)
	}
	userID := identity.UserID(ctx)
	w.mu.Lock()
	c := w.conversations[r.ConversationID]
	member := false
	if c != nil {
		_, member = c.members[userID]
	}
	down := w.down
	w.mu.Unlock()
	switch {
	case down:
		return peer.Sent{}, errDown
	case !member:
		return peer.Sent{}, errNotFound
	}
	e := w.store(r.ConversationID, userID, r.Body)
	w.announce(e)
	return peer.Sent{Message: *e.Message, Created: true}, nil
}

func (w *world) MemberVersions(_ context.Context, r peer.MemberVersionsRequest) (peer.MemberVersions, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	versions := peer.MemberVersions{Versions: map[string]int64{}}
	for _, id := range r.ConversationIDs {
		if c := w.conversations[id]; c != nil {
			versions.Versions[id] = c.version
		}
	}
	return versions, w.err()
}

func (w *world) MemberSets(_ context.Context, r peer.MemberSetsRequest) (peer.MemberSets, error) {
	w.mu.Lock()
	var sets peer.MemberSets
	for _, id := range r.ConversationIDs {
		if c := w.conversations[id]; c != nil {
			sets.Items = append(sets.Items, peer.MemberSet{ConversationID: id, Version: c.version, FromSeqs: maps.Clone(c.members)})
		}
	}
	w.memberSets++
	n, hook, err := w.memberSets, w.onMemberSets, w.err()
	w.mu.Unlock()
	if hook != nil {
		hook(n)
	}
	return sets, err
}

func (w *world) MarkRead(ctx context.Context, r peer.MarkReadRequest) (peer.ReadPosition, error) {
	userID := identity.UserID(ctx)
	w.mu.Lock()
	c := w.conversations[r.ConversationID]
	if c == nil || r.Seq > int64(len(c.events)) {
		w.mu.Unlock()
		return peer.ReadPosition{}, fault.BadField("seq", "no such message")
	}
	c.reads[userID] = max(c.reads[userID], r.Seq)
	seq := c.reads[userID]
	w.mu.Unlock()
	w.publish(chat.ConversationChannel(r.ConversationID), chat.ReadEvent{Type: chat.Read, ConversationID: r.ConversationID, UserID: userID, Seq: seq})
	return peer.ReadPosition{ReadSeq: seq}, nil
}

func (w *world) set(change func(w *world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}
