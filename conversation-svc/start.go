package conversation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/pause"
	"github.com/confab-chat/confab/pkg/peer"
)

// Start stores a first message before the conversation that holds it: a crash between the two leaves a message that nobody can reach,
// and a retry starts with a new id. Of several that start one conversation at once, one inserts it and the others send to it.
func (s *service) Start(ctx context.Context, r StartRequest) (Started, error) {
	me := identity.UserID(ctx)
	if err := s.checkStart(me, &r); err != nil {
		return Started{}, err
	}
	existing, err := s.started(ctx, me, r)
	if err == nil {
		return s.startAgain(ctx, me, existing, r)
	}
	if !errors.Is(err, errNotFound) {
		return Started{}, err
	}
	if err := s.requireUsers(ctx, "member_ids", r.MemberIDs); err != nil {
		return Started{}, err
	}
	started, err := s.startNew(ctx, me, r)
	if !errors.Is(err, ErrTaken) {
		return started, err
	}
	if existing, err = s.winner(ctx, me, r); err != nil {
		return Started{}, err
	}
	return s.startAgain(ctx, me, existing, r)
}

// winner looks for the conversation that was inserted first. MongoDB tells of a duplicate before a majority has it, and shows it after.
func (s *service) winner(ctx context.Context, me string, r StartRequest) (Entry, error) {
	for wait := winnerWaitMin; wait <= winnerWaitMax; wait *= 2 {
		winner, err := s.started(ctx, me, r)
		if !errors.Is(err, errNotFound) {
			return winner, err
		}
		if !pause.For(ctx, wait) {
			return Entry{}, ctx.Err()
		}
	}
	return Entry{}, errUnconfirmed.Because(ErrTaken)
}

const (
	winnerWaitMin = 5 * time.Millisecond
	winnerWaitMax = time.Second // 1.3 s in all
)

// checkStart validates the request, removes ids that come twice, and gives the message of a group that may be retried its own id.
func (s *service) checkStart(me string, r *StartRequest) error {
	r.MemberIDs = distinct(r.MemberIDs)
	if err := check.All(s.checkType(r), check.OptionalID("client_id", r.ClientID)); err != nil {
		return err
	}
	for _, userID := range r.MemberIDs {
		if err := check.ID("member_ids", userID); err != nil {
			return err
		}
	}
	if slices.Contains(r.MemberIDs, me) {
		return about(errSelf, "member_ids")
	}
	if r.Message == nil {
		return nil
	}
	if r.Type == TypeGroup && r.Message.ClientMsgID == "" {
		r.Message.ClientMsgID = r.ClientID
	}
	return check.All(
		check.Text("message.body", r.Message.Body, chat.MaxBody), check.OptionalID("message.client_msg_id", r.Message.ClientMsgID))
}

func (s *service) checkType(r *StartRequest) error {
	switch {
	case r.Type == TypeDirect && len(r.MemberIDs) != 1:
		return fault.BadField("member_ids", "A direct conversation has exactly one other member.")
	case r.Type == TypeDirect && r.Title != "":
		return fault.BadField("title", "A direct conversation has no title.")
	case r.Type == TypeDirect:
		return nil
	case r.Type == TypeGroup && len(r.MemberIDs) >= s.maxMembers:
		return about(errFull, "member_ids")
	case r.Type == TypeGroup:
		return check.Text("title", r.Title, maxTitle)
	}
	return fault.BadField("type", `The type is "direct" or "group".`)
}

// started returns the conversation that the request has started before, errNotFound where it has not.
func (s *service) started(ctx context.Context, me string, r StartRequest) (Entry, error) {
	conversationID, err := s.startedID(ctx, me, r)
	if err != nil {
		return Entry{}, err
	}
	entry, err := s.repo.Get(ctx, conversationID, me)
	if errors.Is(err, errNotFound) {
		return Entry{}, errClientIDUsed
	}
	return entry, err
}

func (s *service) startedID(ctx context.Context, me string, r StartRequest) (string, error) {
	switch {
	case r.Type == TypeDirect:
		return s.repo.IDByDirectKey(ctx, directKey(me, r.MemberIDs[0]))
	case r.ClientID != "":
		return s.repo.IDByClientID(ctx, me, r.ClientID)
	}
	return "", errNotFound
}

// requireUsers returns errNoSuchUser unless all users exist.
func (s *service) requireUsers(ctx context.Context, field string, userIDs []string) error {
	for batch := range slices.Chunk(userIDs, chat.MaxBatch) {
		users, err := s.peers.Auth.Users(ctx, peer.UsersRequest{IDs: batch})
		if err != nil {
			return err
		}
		if len(users.Items) < len(batch) {
			return about(errNoSuchUser, field)
		}
	}
	return nil
}

func (s *service) startNew(ctx context.Context, me string, r StartRequest) (Started, error) {
	c := NewGroup(me, r.Title, r.ClientID)
	if r.Type == TypeDirect {
		c = NewDirect(me, r.MemberIDs[0])
	}
	var first *chat.Message
	if r.Message != nil {
		sent, err := s.peers.Messages.StoreFirst(ctx, sendTo(c.ID, r.Message))
		if err != nil {
			return Started{}, err
		}
		first, c.Head, c.LastActivity = &sent.Message, peer.HeadOf(sent.Message), sent.Message.CreatedAt
	}
	memberIDs := append([]string{me}, r.MemberIDs...)
	c.Members = len(memberIDs)
	if err := s.repo.Insert(ctx, c, memberIDs); err != nil {
		return Started{}, err
	}
	s.hints.touch(c.ID, c.Head.Seq, c.Head.Rev)
	return Started{Conversation: firstView(c, memberIDs), Message: first, created: true}, nil
}

// firstView is a new conversation as its creator, the first of its members, sees it.
func firstView(c Conversation, memberIDs []string) View {
	members := make([]Member, len(memberIDs))
	for i, userID := range memberIDs {
		members[i].UserID = userID
	}
	members[0].ReadSeq = c.Head.Seq
	entry := Entry{Conversation: c, Standing: members[0].Standing}
	return entry.viewWith(memberIDs[0], members)
}

// startAgain answers with a conversation that exists, and sends it the message.
func (s *service) startAgain(ctx context.Context, me string, existing Entry, r StartRequest) (Started, error) {
	var answer Started
	if r.Message != nil {
		sent, err := s.peers.Messages.Send(ctx, sendTo(existing.ID, r.Message))
		if err != nil {
			return Started{}, err
		}
		answer.Message = &sent.Message
		existing.apply(sent.Message)
	}
	var err error
	answer.Conversation, err = s.withMembers(ctx, me, existing)
	return answer, err
}

func distinct(ids []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}

func sendTo(conversationID string, m *FirstMessage) peer.SendRequest {
	return peer.SendRequest{ConversationID: conversationID, Body: m.Body, ClientMsgID: m.ClientMsgID}
}
