package realtime

import (
	"context"
	"encoding/json"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/tracing"
)

var (
	errUnauthenticated = fault.New(fault.Unauthenticated, "unauthenticated", "Send an auth command with a token first.")
	errOtherUser       = fault.New(fault.Forbidden, "other_user", "The token is another user's. Open another socket for her.")
	errTooManyPending  = fault.New(fault.RateLimited, "too_many_pending", "Too many commands wait for their answers. Send again after some came.").
				After(time.Second)
)

// do carries out a command, or puts it into a lane. It is called by the socket's reader alone.
func (s *session) do(c command, err error) {
	if !s.withinRate(c) {
		return
	}
	switch {
	case err != nil:
		s.answer(s.ctx, c, time.Now(), err)
	case c.name == cmdAuth:
		s.authenticate(c)
	case s.userID() == "" && !s.mayAsStranger(c):
		s.answer(s.ctx, c, time.Now(), errUnauthenticated)
	default:
		s.dispatch(c)
	}
}

// mayAsStranger reports whether the command needs no user.
func (s *session) mayAsStranger(c command) bool {
	return s.hub.tokenless && (c.name == cmdEnter || c.name == cmdExit || c.name == cmdNew)
}

func (s *session) dispatch(c command) {
	switch c.name {
	case cmdPing:
		s.reply(c, result{})
	case cmdNew:
		s.reply(c, result{})
	case cmdJoin, cmdEnter:
		s.choose()
		s.inLane("join "+c.conversation, maxPending, c, s.join)
	case cmdLeave, cmdExit:
		s.choose()
		s.inLane("join "+c.conversation, maxPending, c, s.leaveCommand)
	case cmdSend:
		s.inLane("send "+c.conversation, maxSends, c, s.send)
	case cmdRead:
		s.inLane("read "+c.conversation, maxSends, c, s.markRead)
	case cmdTyping:
		s.inLane("typing "+c.conversation, 1, c, s.typing)
	}
}

func (s *session) inLane(lane string, bound int, c command, work func(context.Context, command) error) {
	came := time.Now()
	if err := s.lanes.add(lane, bound, func() { s.traced(c, came, work) }); err != nil {
		s.answer(s.ctx, c, came, err)
	}
}

// traced does a command's work in a trace of its own: the request that opened the socket is long over.
func (s *session) traced(c command, came time.Time, work func(context.Context, command) error) {
	ctx, span := s.hub.tracer.Root(s.ctx, "socket "+c.name, came)
	defer span.End()
	err := work(ctx, c)
	if err != nil {
		tracing.Fail(span, fault.From(err))
	}
	s.answer(ctx, c, came, err)
}

// answer notes how a command went and sends the error, if any. Replies are sent by the commands: their place among the events matters.
func (s *session) answer(ctx context.Context, c command, came time.Time, err error) {
	kind := "ok"
	if err != nil {
		kind = string(fault.From(err).Kind)
		s.fail(ctx, c, err)
	}
	s.hub.metrics.command(c.name, kind, time.Since(came))
}

// withinRate refuses commands that come too fast, and ends a socket that does not heed.
func (s *session) withinRate(c command) bool {
	allowed := s.hub.local.Allow(s.ctx, commandRule, s.id)
	if allowed.Allowed {
		s.refused = max(0, s.refused-1)
		return true
	}
	s.refused++
	s.answer(s.ctx, c, time.Now(), tooFast(allowed))
	if s.refused >= maxRefused {
		s.out.finish(endTooMany)
	}
	return false
}

func tooFast(r ratelimit.Result) error {
	return fault.New(fault.RateLimited, "rate_limited", "Too many commands. Try again later.").After(r.Retry)
}

// authenticate takes a socket's first token, or one that follows it. A refused first token ends the socket; a refused later one
// does not: the one before it still counts.
func (s *session) authenticate(c command) {
	came, first := time.Now(), s.userID() == ""
	who, err := s.hub.users.Verify(s.ctx, bare(c.token))
	switch {
	case err != nil:
	case first:
		err = s.hub.enter(s, who)
	case who.UserID != s.userID():
		err = errOtherUser
	default:
		s.become(who)
	}
	if err == nil {
		s.reply(c, result{Session: &grant{UserID: who.UserID, ExpiresAt: chat.TimeOf(who.ExpiresAt)}})
	}
	s.answer(s.ctx, c, came, err)
	if err != nil && first {
		s.out.finish(endingOf(err))
	}
}

func (s *session) become(who identity.Identity) {
	until := time.Now().Add(who.ExpiresAt.Sub(s.hub.users.Now())) // by this process's clock, whatever that says
	s.mu.Lock()
	defer s.mu.Unlock()
	s.who, s.until = who, until
}

// endingOf returns how a socket ends that could not be let in.
func endingOf(err error) *ending {
	switch fault.From(err).Kind {
	case fault.Unavailable:
		return endUnavailable
	case fault.RateLimited:
		return endTooManyOpen
	default:
		return endRefused
	}
}

func (s *session) leaveCommand(_ context.Context, c command) error {
	sub := s.subscribed(c.conversation)
	switch {
	case sub != nil:
		s.leave(sub)
	case c.name == cmdLeave:
		return errNotJoined
	}
	s.reply(c, result{})
	return nil
}

func (s *session) send(ctx context.Context, c command) error {
	ctx, cancel := s.acting(ctx, commandWait)
	defer cancel()
	sent, err := s.hub.peers.Messages.Send(ctx, peer.SendRequest{
		ConversationID: c.conversation, Body: c.body, ClientMsgID: c.clientMsgID,
	})
	if err == nil {
		s.reply(c, result{Message: &sent.Message})
	}
	return err
}

func (s *session) markRead(ctx context.Context, c command) error {
	ctx, cancel := s.acting(ctx, commandWait)
	defer cancel()
	read, err := s.hub.peers.Conversations.MarkRead(ctx, peer.MarkReadRequest{ConversationID: c.conversation, Seq: c.seq})
	if err == nil {
		s.reply(c, result{ReadSeq: &read.ReadSeq})
	}
	return err
}

func (s *session) typing(ctx context.Context, c command) error {
	if s.subscribed(c.conversation) == nil {
		return errNotJoined
	}
	if limit := s.hub.local.Allow(s.ctx, typingRule, s.id+c.conversation); !limit.Allowed {
		return tooFast(limit)
	}
	ctx, cancel := s.acting(ctx, publishWait)
	defer cancel()
	s.publish(ctx, chat.TypingEvent{Type: chat.Typing, ConversationID: c.conversation, UserID: identity.UserID(ctx)})
	s.reply(c, result{})
	return nil
}

// publish does not tell whether anybody heard: typing may be lost.
func (s *session) publish(ctx context.Context, e chat.TypingEvent) {
	payload, _ := json.Marshal(e) // strings always encode
	_ = s.hub.broker.Publish(ctx, chat.ConversationChannel(e.ConversationID), payload)
}
