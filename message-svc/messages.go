package message

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

// service is the one implementation of Service.
type service struct {
	repo      Repository
	committer *committer
	members   *members
	raiser    *raiser
}

func (s *service) Send(ctx context.Context, r peer.SendRequest) (peer.Sent, error) {
	if err := checkSend(r); err != nil {
		return peer.Sent{}, err
	}
	if _, err := s.members.require(ctx, r.ConversationID, identity.UserID(ctx)); err != nil {
		return peer.Sent{}, err
	}
	return s.create(ctx, r)
}

func (s *service) StoreFirst(ctx context.Context, r peer.SendRequest) (peer.Sent, error) {
	if err := checkSend(r); err != nil {
		return peer.Sent{}, err
	}
	return s.create(ctx, r)
}

func checkSend(r peer.SendRequest) error {
	return check.All(
		check.ID("conversation_id", r.ConversationID),
		check.Text("body", r.Body, chat.MaxBody),
		check.OptionalID("client_msg_id", r.ClientMsgID),
	)
}

func (s *service) create(ctx context.Context, r peer.SendRequest) (peer.Sent, error) {
	return s.write(ctx, r.ConversationID, Draft{
		Op: OpCreate, AuthorID: identity.UserID(ctx), ClientMsgID: r.ClientMsgID, Body: r.Body,
	})
}

// write stores the draft, which lacks an id, a time, and the client's key where it gave none.
func (s *service) write(ctx context.Context, conversationID string, d Draft) (peer.Sent, error) {
	d.ID, d.At = id.New(), chat.Now()
	if d.ClientMsgID == "" {
		d.ClientMsgID = d.ID
	}
	o, err := s.committer.commit(ctx, conversationID, d)
	if err != nil {
		return peer.Sent{}, err
	}
	if o.Op != d.Op || d.Of != 0 && o.Message.Seq != d.Of {
		return peer.Sent{}, errKeyReused
	}
	return peer.Sent{Message: o.Message, Created: d.Op == OpCreate && o.ID == d.ID}, nil
}

func (s *service) Edit(ctx context.Context, r peer.EditRequest) (peer.Sent, error) {
	err := check.All(check.Text("body", r.Body, chat.MaxBody), check.OptionalID("client_msg_id", r.ClientMsgID))
	if err != nil {
		return peer.Sent{}, err
	}
	m, _, err := s.visible(ctx, r.MessageID)
	if err != nil {
		return peer.Sent{}, err
	}
	if m.AuthorID != identity.UserID(ctx) {
		return peer.Sent{}, errNotAuthor
	}
	if m.DeletedAt != nil {
		return peer.Sent{}, errDeleted
	}
	sent, err := s.write(ctx, m.ConversationID, Draft{
		Op: OpEdit, Of: m.Seq, AuthorID: identity.UserID(ctx), ClientMsgID: r.ClientMsgID, Body: r.Body,
	})
	if err == nil && sent.Message.DeletedAt != nil {
		return peer.Sent{}, errDeleted // by somebody who was faster
	}
	return sent, err
}

func (s *service) Delete(ctx context.Context, r DeleteRequest) (peer.Sent, error) {
	m, standing, err := s.visible(ctx, r.MessageID)
	if err != nil {
		return peer.Sent{}, err
	}
	if m.AuthorID != identity.UserID(ctx) && standing.Role != peer.RoleOwner {
		return peer.Sent{}, errNotAuthor
	}
	if m.DeletedAt != nil {
		return peer.Sent{Message: m}, nil
	}
	return s.write(ctx, m.ConversationID, Draft{Op: OpDelete, Of: m.Seq, AuthorID: identity.UserID(ctx)})
}

func (s *service) Get(ctx context.Context, r GetRequest) (peer.Sent, error) {
	m, _, err := s.visible(ctx, r.MessageID)
	return peer.Sent{Message: m}, err
}

// visible returns a message that the acting user may see, and her standing in its conversation.
func (s *service) visible(ctx context.Context, messageID string) (chat.Message, peer.Membership, error) {
	if err := check.ID("id", messageID); err != nil {
		return chat.Message{}, peer.Membership{}, err
	}
	m, err := s.repo.Get(ctx, messageID)
	if err != nil {
		return chat.Message{}, peer.Membership{}, err
	}
	standing, err := s.members.require(ctx, m.ConversationID, identity.UserID(ctx))
	if err != nil && fault.From(err).Kind != fault.NotFound {
		return chat.Message{}, peer.Membership{}, err
	}
	if err != nil || m.Seq <= standing.FromSeq {
		return chat.Message{}, peer.Membership{}, errNoMessage
	}
	return m, standing, nil
}
