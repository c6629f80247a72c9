// Package checker compares what readers saw of conversations with what writers were promised. It knows no server: histories come from
// whoever ran one, and its tests feed it broken ones.
package checker

import (
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// Promises are what writers asked for, and which answers they have. They are safe for concurrent use. The zero value is ready.
type Promises struct {
	mu    sync.Mutex
	asked map[wish]time.Time // the first try
	kept  map[string][]kept  // by conversation
}

// wish is a change that somebody asked for. Wishes are told apart by what is in them, so writers must not ask for the same twice.
type wish struct {
	event string // chat.MessageCreated, MessageUpdated or MessageDeleted
	of    string // the client_msg_id of a new message, else the message's id
	body  string // of an update
}

// kept is a wish that was acknowledged.
type kept struct {
	wish
	message chat.Message
	at      time.Time
}

// Creating notes that somebody sends a message, before the first try.
func (p *Promises) Creating(clientMsgID string) {
	p.ask(wish{event: chat.MessageCreated, of: clientMsgID})
}

// Created notes a 201, or its reply.
func (p *Promises) Created(m chat.Message) {
	p.keep(wish{event: chat.MessageCreated, of: m.ClientMsgID}, m)
}

// Updating notes that the author gives a message a body that it never had before.
func (p *Promises) Updating(messageID, body string) {
	p.ask(wish{chat.MessageUpdated, messageID, body})
}

// Updated notes the answer. A message's author waits for it before she changes the message again.
func (p *Promises) Updated(m chat.Message) { p.keep(wish{chat.MessageUpdated, m.ID, m.Body}, m) }

// Deleting notes that the author deletes a message.
func (p *Promises) Deleting(messageID string) { p.ask(wish{event: chat.MessageDeleted, of: messageID}) }

// Deleted notes the answer.
func (p *Promises) Deleted(m chat.Message) { p.keep(wish{event: chat.MessageDeleted, of: m.ID}, m) }

func (p *Promises) ask(w wish) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil {
		p.asked = map[wish]time.Time{}
	}
	p.asked[w] = time.Now()
}

func (p *Promises) keep(w wish, m chat.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[string][]kept{}
	}
	p.kept[m.ConversationID] = append(p.kept[m.ConversationID], kept{w, m, time.Now()})
}

// Asked is how many changes were asked for.
func (p *Promises) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// LastRev is the highest rev that was acknowledged in a conversation; 0 where none was.
func (p *Promises) LastRev(conversationID string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var last int64
	for _, k := range p.kept[conversationID] {
		last = max(last, k.message.Rev)
	}
	return last
}

// Inbox is what the inbox of a member who was there from the beginning and has read nothing must say in the end: the conversation's last
// seq, and how many messages came after her own last one.
func (p *Promises) Inbox(conversationID, userID string) (lastSeq, unread int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var own int64
	for _, k := range p.kept[conversationID] {
		lastSeq = max(lastSeq, k.message.Seq)
		if k.message.AuthorID == userID {
			own = max(own, k.message.Seq)
		}
	}
	return lastSeq, lastSeq - own
}
