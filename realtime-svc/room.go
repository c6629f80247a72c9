package realtime

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/pause"
	"github.com/confab-chat/confab/pkg/peer"
)

// room is a conversation with a socket on this replica: its members, the order of its events, and the sockets that joined.
// Its lock orders everything: who is in, what passes, and what each socket's queue gets. Nothing waits under it.
type room struct {
	id   string
	hub  *hub
	ctx  context.Context // ends when the last socket has left
	stop context.CancelFunc

	mu       sync.Mutex
	members  memberSet
	order    sequencer
	joined   map[*subscription]struct{}
	mending  bool // a goroutine fetches events
	counting bool // a goroutine fetches the member set
}

func (h *hub) newRoom(id string) *room {
	r := &room{id: id, hub: h, joined: map[*subscription]struct{}{}}
	r.ctx, r.stop = context.WithCancel(h.ctx)
	return r
}

// open subscribes, then asks who the members are and where the conversation stands. A conversation that does not exist is NotFound.
func (r *room) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	r.hub.listen(ctx, chat.ConversationChannel(r.id))
	leave, err := r.hub.history.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := r.loadMembers(ctx); err != nil {
		return err
	}
	last, err := r.last(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.order.place(last) // nobody has joined yet: the events that waited for this are history
	r.mend()
	return nil
}

func (r *room) close() {
	r.stop()
	r.hub.unlisten(chat.ConversationChannel(r.id))
}

// last asks message-svc for the newest rev.
func (r *room) last(ctx context.Context) (int64, error) {
	lasts, err := r.hub.peers.Messages.Last(ctx, peer.LastRequest{ConversationIDs: []string{r.id}})
	if err != nil {
		return 0, err
	}
	return lasts.Items[0].Rev, nil
}

// packet is whatever travels on the channels of conversations and users.
type packet struct {
	Type           string        `json:"type"`
	ConversationID string        `json:"conversation_id"`
	UserID         string        `json:"user_id"`
	SessionID      string        `json:"session_id"`
	Seq            int64         `json:"seq"`
	Rev            int64         `json:"rev"`
	Message        *chat.Message `json:"message"`
	Trace          string        `json:"trace"`
	Version        int64         `json:"members_version"`
	FromSeq        int64         `json:"from_seq"`
}

func (p *packet) member() chat.MemberEvent {
	return chat.MemberEvent{Type: p.Type, ConversationID: p.ConversationID, UserID: p.UserID, Version: p.Version, FromSeq: p.FromSeq}
}

// deliver takes what the broker brought. What is no event of ours is passed over.
func (r *room) deliver(payload []byte) {
	var p packet
	if json.Unmarshal(payload, &p) != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch p.Type {
	case chat.MessageCreated, chat.MessageUpdated, chat.MessageDeleted:
		if p.Message != nil && p.Rev > 0 {
			r.accept(chat.Event{Type: p.Type, ConversationID: r.id, Rev: p.Rev, Message: p.Message, Trace: p.Trace})
		}
	case chat.MemberAdded, chat.MemberRemoved, chat.MemberCleared:
		r.change(p.member())
	case chat.Read:
		r.tell(&broadcast{kind: chat.Read, class: eventful,
			body: chat.ReadEvent{Type: chat.Read, ConversationID: r.id, UserID: p.UserID, Seq: p.Seq}}, "")
	case chat.Typing:
		r.tell(&broadcast{kind: chat.Typing, class: droppable,
			body: chat.TypingEvent{Type: chat.Typing, ConversationID: r.id, UserID: p.UserID}}, p.UserID)
	}
}

// accept takes an event of the feed, in whatever order it comes, and passes on what is due. It holds the lock, as do all below.
func (r *room) accept(e chat.Event) {
	if guard.Off(guard.Sequencer) {
		r.order.place(max(r.order.last, e.Rev))
		r.pass(e)
		return
	}
	for _, due := range r.order.add(e) {
		r.pass(due)
	}
	r.mend()
}

// pass gives an event to the sockets, but not to members whose history starts after its message.
func (r *room) pass(e chat.Event) {
	passage, span := r.hub.begin(e)
	defer span.End()
	e.Trace = ""
	b := &broadcast{kind: e.Type, class: eventful, body: e, passage: passage}
	if e.Type == chat.MessageCreated {
		b.sent = e.Message.CreatedAt.Time
	}
	for s := range r.joined {
		if e.Message.Seq > s.fromSeq {
			s.give(b)
		}
	}
}

// tell gives an event to the sockets of all users but one.
func (r *room) tell(b *broadcast, exceptUserID string) {
	for s := range r.joined {
		if s.userID != exceptUserID {
			s.give(b)
		}
	}
}

// mend sees to it that a gap is closed.
func (r *room) mend() {
	if r.mending || !r.order.gap() {
		return
	}
	r.mending = true
	r.hub.background.Go(r.closeGap)
}

const (
	gapWait    = 50 * time.Millisecond // for a missing event to come by itself
	retryFirst = 250 * time.Millisecond
	retryMax   = 5 * time.Second
)

// closeGap waits for the missing events, then fetches them, until there is no gap or nobody is left to see it.
func (r *room) closeGap() {
	healed := "wait"
	for wait := gapWait; pause.For(r.ctx, wait) && !r.closed(healed); {
		source, err := r.fetch(r.ctx)
		if err != nil {
			r.hub.failed(r.ctx, "missing events not fetched", err)
			wait = min(2*wait+retryFirst, retryMax)
			continue
		}
		if healed != fromMessages {
			healed = source
		}
		wait = 0
	}
}

// closed reports whether the gap is closed, and leaves a new one to the next goroutine.
func (r *room) closed(healed string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.order.gap() {
		return false
	}
	r.mending = false
	r.hub.metrics.gaps.WithLabelValues(healed).Inc()
	return true
}

// fetch fetches the first of the missing events.
func (r *room) fetch(ctx context.Context) (source string, err error) {
	r.mu.Lock()
	after, to := r.order.last, r.order.newest
	r.mu.Unlock()
	if after >= to {
		return fromLog, nil
	}
	events, source, err := r.hub.history.next(ctx, r.id, after, to)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		r.accept(e)
	}
	return source, err
}

// standsAt compares the position with message-svc's.
func (r *room) standsAt(rev int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.order.note(rev)
	r.mend()
}
