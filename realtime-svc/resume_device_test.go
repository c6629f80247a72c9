package realtime

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/pause"
)

// device is a client that keeps the rules of docs/protocol.md and holds the gateways to them.
type device struct {
	walk   *walk
	name   string
	userID string
	dice   *rand.Rand
	orders chan func()

	ws      *websocket.Conn
	broken  bool // the connection is given up
	asked   int64
	pending map[int64]func(said) // by id: what becomes of an answer
	chats   map[string]*following

	slept, woke time.Time // the last time that it did not read
}

const (
	inboxEvery = 10 * time.Second
	maxOrders  = 2                // that wait for a device
	maxSleep   = 12 * time.Second // above writeWait: some connections break meanwhile
)

// run connects again and again until ctx ends.
func (d *device) run(ctx context.Context) {
	for ctx.Err() == nil {
		if ws, err := d.walk.dial(ctx, d.dice, d.userID); err == nil {
			d.ws, d.broken, d.pending = ws, false, map[int64]func(said){}
			d.talk(ctx)
		}
		pause.For(ctx, upTo(d.dice, 500*time.Millisecond))
	}
}

// talk returns when the connection has ended and nobody reads from it any more.
func (d *device) talk(ctx context.Context) {
	frames, done := make(chan said), make(chan struct{})
	go d.read(frames, done)
	defer func() {
		close(done)
		_ = d.ws.Close()
		for range frames {
		}
	}()
	for _, f := range d.chats {
		f.connected()
	}
	d.readInbox()
	if d.dice.IntN(8) == 0 {
		d.sleep(upTo(d.dice, maxSleep)) // while the gateway replays
	}
	inbox := time.NewTicker(inboxEvery)
	defer inbox.Stop()
	for !d.broken {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-frames:
			if !ok {
				return
			}
			d.hear(s)
		case order := <-d.orders:
			order()
		case <-inbox.C:
			d.readInbox()
		}
	}
}

func (d *device) read(frames chan<- said, done <-chan struct{}) {
	defer close(frames)
	for {
		var s said
		_, data, err := d.ws.ReadMessage()
		if err != nil {
			return
		}
		if err := json.Unmarshal(data, &s); err != nil {
			d.walk.oracle.fail("%s: frame %q: %v", d.name, data, err)
			return
		}
		select {
		case frames <- s:
		case <-done:
			return
		}
	}
}

// ask sends a command. A connection that does not take it is given up.
func (d *device) ask(command map[string]any, answered func(said)) {
	d.asked++
	command["id"] = d.asked
	d.pending[d.asked] = answered
	_ = d.ws.SetWriteDeadline(time.Now().Add(wait))
	if d.ws.WriteJSON(command) != nil {
		d.broken = true
	}
}

// sleep reads nothing for a while. What comes then was sent since.
func (d *device) sleep(t time.Duration) {
	if !d.woke.Equal(time.Now()) { // else it has read nothing since
		d.slept = time.Now()
	}
	time.Sleep(t)
	d.woke = time.Now()
}

// sent returns the earliest time at which a frame that is read now was written.
func (d *device) sent() time.Time {
	if now := time.Now(); !d.woke.Equal(now) {
		return now
	}
	return d.slept
}

// readInbox joins the conversations that it shows, now and then one that the device has joined already.
func (d *device) readInbox() {
	for _, id := range d.walk.conversations {
		f := d.chats[id]
		if d.walk.oracle.member(id, d.userID) && (!f.live || f.unsure || d.dice.IntN(20) == 0) {
			f.join(f.known)
		}
	}
}

func (d *device) hear(s said) {
	f := d.chats[s.ConversationID]
	switch s.Type {
	case chat.MessageCreated, chat.MessageUpdated, chat.MessageDeleted:
		f.event(s)
	case chat.Resync:
		f.resync(*s.Live)
	case "reply", "error":
		d.answer(s)
	case chat.MemberAdded, chat.MemberRemoved:
		d.members(s, f)
	case chat.Read, chat.Typing:
		f.overhear(s)
	case chat.Reconnect:
		d.sleep(time.Duration(*s.AfterMS) * time.Millisecond)
	default:
		d.walk.oracle.fail("%s: unexpected %+v", d.name, s)
	}
}

func (d *device) answer(s said) {
	if s.ID == nil || d.pending[*s.ID] == nil {
		d.walk.oracle.fail("%s: an answer to nothing: %+v", d.name, s)
		return
	}
	answered := d.pending[*s.ID]
	delete(d.pending, *s.ID)
	answered(s)
}

func (d *device) members(s said, f *following) {
	switch {
	case s.UserID != d.userID:
		f.overhear(s)
	case s.Type == chat.MemberAdded:
		d.readInbox()
	case d.walk.oracle.out(s.ConversationID, d.userID, s.Version):
		f.removed()
	default: // she was added again since: the subscription may have ended, or the news come late
		f.unsure = true
		f.join(f.known)
	}
}

// restore loses what came above some rev, as a device does that goes back to a backup.
func (d *device) restore() {
	d.broken = true
	for _, id := range d.walk.conversations {
		if f := d.chats[id]; len(f.got) > 0 {
			f.cut(d.dice.IntN(len(f.got)))
		}
	}
}

// missing compares what the device has with what its user may see.
func (d *device) missing() {
	for id, f := range d.chats {
		if !d.walk.oracle.member(id, d.userID) {
			continue
		}
		if !f.known {
			d.walk.oracle.fail("%s never joined %s", d.name, id)
			continue
		}
		from := d.walk.oracle.last(id, d.userID).from
		for _, e := range d.walk.oracle.events(id) {
			if e.Rev <= f.base || e.Message.Seq <= from {
				continue
			}
			if _, got := slices.BinarySearch(f.got, e.Rev); !got {
				d.walk.oracle.fail("%s lacks rev %d of %s", d.name, e.Rev, id)
			} else if held := f.messages[e.Message.ID]; held.Rev != e.Message.Rev || held.Body != e.Message.Body {
				d.walk.oracle.fail("%s holds %.60v, want %.60v", d.name, held, *e.Message)
			}
		}
	}
}
