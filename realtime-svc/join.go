package realtime

import (
	"context"
	"errors"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/guard"
)

var (
	errFuture        = fault.New(fault.Invalid, "rev_not_reached", "The conversation has no such event yet.")
	errTooManyJoined = fault.New(fault.RateLimited, "too_many_joined", "The socket has joined as many conversations as it may. Leave one first.")
	errMoving        = fault.New(fault.Unavailable, "members_changing", "The members are changing. Try again.").After(time.Second)
	errNotJoined     = fault.New(fault.Conflict, "not_joined", "The socket has not joined the conversation.")
	errSocketEnded   = fault.New(fault.Canceled, "socket_ended", "The socket has ended.")
)

// join lets the socket into a conversation, and replays what it missed after rev. Joining again starts anew.
func (s *session) join(ctx context.Context, c command) error {
	rooms := s.hub.shard(chat.ConversationChannel(c.conversation)).rooms
	room, err := rooms.acquire(ctx, c.conversation)
	if err != nil {
		return err
	}
	sub, to, err := s.admit(ctx, room, c)
	if err != nil {
		rooms.release(c.conversation)
		return err
	}
	if !sub.replaying { // no other goroutine starts a replay
		return nil
	}
	if err := sub.replay(ctx, *c.rev, to); err != nil {
		s.leave(sub)
		return err
	}
	if !sub.arrived(c, to) {
		return errNotFound
	}
	return sub.goLive(ctx)
}

// admit lets the user's socket into the room if she is a member, and returns its position. Where that cannot be told from what the
// room knows, or her rev is above its own, it asks once.
func (s *session) admit(ctx context.Context, r *room, c command) (*subscription, int64, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWait)
	defer cancel()
	sub, to, err := s.tryAdmit(r, c)
	if err == nil || errors.Is(err, errTooManyJoined) {
		return sub, to, err
	}
	if err := r.ask(ctx, c.rev); err != nil {
		return nil, 0, err
	}
	return s.tryAdmit(r, c)
}

// ask fetches the member set, and the events up to rev.
func (r *room) ask(ctx context.Context, rev *int64) error {
	leave, err := r.hub.history.enter(ctx)
	if err != nil {
		return err
	}
	err = r.loadMembers(ctx)
	leave()
	if err != nil || rev == nil {
		return err
	}
	r.mu.Lock()
	reached := *rev <= r.order.last
	r.mu.Unlock()
	if reached {
		return nil
	}
	last, err := r.last(ctx)
	if err != nil || *rev > last {
		return err // above the last event: tryAdmit refuses it
	}
	r.standsAt(last)
	for reached := false; !reached && err == nil; {
		_, err = r.fetch(ctx)
		r.mu.Lock()
		reached = *rev <= r.order.last
		r.mu.Unlock()
	}
	return err
}

func (s *session) tryAdmit(r *room, c command) (*subscription, int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	userID := s.userID()
	fromSeq, member := r.members.fromSeqs[userID]
	to := r.order.last
	switch {
	case r.members.stale():
		return nil, 0, errMoving
	case !member && userID != "":
		return nil, 0, errNotFound
	case c.rev != nil && *c.rev > to:
		f := *errFuture
		f.Field = "rev"
		return nil, 0, &f
	}
	sub := &subscription{room: r, session: s, userID: userID, encoder: c.encoder, fromSeq: fromSeq}
	if sub.encoder == nil {
		sub.encoder = s.encoder
	}
	before, ok := s.remember(sub)
	if !ok {
		return nil, 0, errTooManyJoined
	}
	if before != nil && before.detach() {
		r.hub.giveBack(before)
	}
	r.joined[sub] = struct{}{}
	s.begin(sub, c, to)
	return sub, to, nil
}

// begin answers at once where nothing, or too much, was missed; else it lets the subscription hold what passes from now on.
func (s *session) begin(sub *subscription, c command, to int64) {
	missed := int64(0)
	if c.rev != nil && !guard.Off(guard.Resume) {
		missed = to - *c.rev
	}
	if missed > 0 && missed <= maxResume {
		sub.replaying = true
		return
	}
	if missed > 0 {
		sub.resync(true)
	}
	if sub.userID == "" { // a stranger may hear when there is something new, not how much there is
		s.reply(c, result{})
		return
	}
	s.reply(c, result{Joined: &position{ConversationID: sub.room.id, Rev: to}})
}
