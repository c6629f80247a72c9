package realtime

import (
	"fmt"
	"strings"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// step does one thing at random, and lets some time pass, or none.
func (w *walk) step() {
	id := w.conversations[w.dice.IntN(len(w.conversations))]
	userID := w.users[w.dice.IntN(len(w.users))]
	switch n := w.dice.IntN(100); {
	case n < 30:
		w.world.say(id, userID, 1+w.dice.IntN(5))
	case n < 45:
		w.change(id)
	case n < 75:
		w.order(w.devices[w.dice.IntN(len(w.devices))], id)
	case n < 87:
		w.members(id, userID)
	case n < 90:
		w.replace(w.dice.IntN(len(w.replicas)), w.dice.IntN(2) == 0)
	case n < 93:
		w.setFeed(!w.feedUp())
	case n < 95:
		w.broker.restart(id, int64(len(w.oracle.events(id))), w.dice.IntN(2) == 0)
	case n < 97:
		w.flood(id)
	default:
		time.Sleep(upTo(w.dice, checkEvery+checkEvery/2))
	}
	switch w.dice.IntN(3) {
	case 0:
		time.Sleep(upTo(w.dice, 2*gapWait))
	case 1:
		time.Sleep(upTo(w.dice, 2*time.Second))
	}
}

// change edits or deletes a message.
func (w *walk) change(id string) {
	events := w.oracle.events(id)
	if len(events) == 0 {
		return
	}
	e := w.world.edit(events[w.dice.IntN(len(events))], fmt.Sprint("edited ", w.dice.IntN(1000)))
	if w.dice.IntN(3) == 0 {
		e = w.world.erase(e)
	}
	w.world.announce(e)
}

// erase makes the event of an edit, which nobody has heard of, that of a deletion.
func (w *world) erase(e chat.Event) chat.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.Type = chat.MessageDeleted
	w.conversations[e.ConversationID].events[e.Rev-1].Type = e.Type
	return e
}

// order has a device do something, once it has the time.
func (w *walk) order(d *device, id string) {
	f, pause := d.chats[id], upTo(w.dice, maxSleep)
	order := []func(){
		func() { _ = d.ws.NetConn().Close() },
		func() { d.broken = true },
		f.leave,
		func() { f.join(f.known) },
		func() { f.join(false) },
		d.restore,
		func() { d.sleep(pause) },
		func() { d.ask(map[string]any{"type": "read", "conversation": id, "seq": 1}, func(said) {}) },
		func() { d.ask(map[string]any{"type": "typing", "conversation": id}, func(said) {}) },
		func() { d.ask(map[string]any{"type": "send", "conversation": id, "body": "hi"}, d.requireStored) },
		func() { d.ask(map[string]any{"type": "send", "conversation": id, "body": "hi"}, d.requireStored) },
	}[w.dice.IntN(11)]
	select {
	case d.orders <- order:
	default: // it sleeps, or is not connected
	}
}

func (d *device) requireStored(s said) {
	if s.Type != "error" && (s.Message == nil || s.Message.AuthorID != d.userID) {
		d.walk.oracle.fail("%s: a send is answered by %+v", d.name, s)
	}
}

// members removes a member, adds one, or has one clear her history. Most times the broker is told of it on both channels.
func (w *walk) members(id, userID string) {
	last := w.world.lastSeq(id)
	switch {
	case !w.oracle.member(id, userID):
		w.oracle.enter(id, userID, last)
		w.world.publishMember(w.world.member(chat.MemberAdded, id, userID, last))
	case w.dice.IntN(4) == 0:
		w.oracle.enter(id, userID, last)
		w.world.publish(chat.ConversationChannel(id), w.world.member(chat.MemberCleared, id, userID, last))
	default:
		e := w.world.member(chat.MemberRemoved, id, userID, 0)
		w.oracle.leave(id, userID, e.Version)
		w.world.publishMember(e)
	}
}

func (w *world) lastSeq(id string) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var last int64
	for _, e := range w.conversations[id].events {
		last = max(last, e.Message.Seq)
	}
	return last
}

// flood writes more than a socket's queue holds, or more than a join replays, while devices may sleep.
func (w *walk) flood(id string) {
	if d := w.devices[w.dice.IntN(len(w.devices))]; w.dice.IntN(2) == 0 {
		w.order(d, id)
	}
	if w.dice.IntN(4) == 0 {
		for range maxResume + 1 {
			w.world.store(id, "nobody", "")
		}
		w.world.say(id, "nobody", 1)
		return
	}
	body := strings.Repeat("x", 8<<10)
	for range 2*maxQueueBytes/len(body) + 1 {
		w.world.announce(w.world.store(id, "nobody", body))
	}
}
