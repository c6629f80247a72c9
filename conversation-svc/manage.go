package conversation

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

// service is the Service over a repository and the other services.
type service struct {
	repo       Repository
	peers      *peer.Peers
	news       *news
	hints      *hints
	changing   keyLocks // of conversations: their members change, and it is told, one after another
	maxMembers int
}

func (s *service) Get(ctx context.Context, r GetRequest) (Shown, error) {
	entry, err := s.entry(ctx, r.ID)
	if err != nil {
		return Shown{}, err
	}
	view, err := s.withMembers(ctx, identity.UserID(ctx), entry)
	return Shown{Conversation: view}, err
}

// entry returns a conversation of the caller's.
func (s *service) entry(ctx context.Context, conversationID string) (Entry, error) {
	if err := check.ID("id", conversationID); err != nil {
		return Entry{}, err
	}
	return s.repo.Get(ctx, conversationID, identity.UserID(ctx))
}

func (s *service) withMembers(ctx context.Context, userID string, entry Entry) (View, error) {
	members, err := s.repo.Members(ctx, entry.ID)
	return entry.viewWith(userID, members), err
}

func (s *service) Rename(ctx context.Context, r RenameRequest) (Shown, error) {
	if err := check.All(check.ID("id", r.ID), check.Text("title", r.Title, maxTitle)); err != nil {
		return Shown{}, err
	}
	if err := s.repo.Rename(ctx, r.ID, identity.UserID(ctx), r.Title); err != nil {
		return Shown{}, err
	}
	entry, err := s.entry(ctx, r.ID)
	if err != nil {
		return Shown{}, err
	}
	s.hints.touch(entry.ID, entry.Head.Seq, entry.Head.Rev)
	view, err := s.withMembers(ctx, identity.UserID(ctx), entry)
	return Shown{Conversation: view}, err
}

func (s *service) Delete(ctx context.Context, r DeleteRequest) (httpkit.Empty, error) {
	switch r.For {
	case "":
		return httpkit.Empty{}, s.clear(ctx, r.ID)
	case "all":
		return httpkit.Empty{}, s.deleteForAll(ctx, r.ID)
	}
	return httpkit.Empty{}, fault.BadField("for", `The only value is "all".`)
}

// clear asks message-svc for the last message, because the head may lag behind it.
func (s *service) clear(ctx context.Context, conversationID string) error {
	entry, err := s.entry(ctx, conversationID)
	if err != nil {
		return err
	}
	last, err := s.lastSeq(ctx, entry.ID)
	if err != nil {
		return err
	}
	defer s.changing.lock(entry.ID)()
	me := identity.UserID(ctx)
	version, err := s.repo.Clear(ctx, entry.ID, me, last)
	if err == nil {
		s.news.member(chat.MemberEvent{Type: chat.MemberCleared, ConversationID: entry.ID, UserID: me, Version: version, FromSeq: last})
	}
	return err
}

func (s *service) deleteForAll(ctx context.Context, conversationID string) error {
	if err := check.ID("id", conversationID); err != nil {
		return err
	}
	defer s.changing.lock(conversationID)()
	gone, err := s.repo.Delete(ctx, conversationID, identity.UserID(ctx))
	if err != nil {
		return err
	}
	for _, userID := range gone.MemberIDs {
		gone.Version++
		s.news.memberRemoved(conversationID, userID, gone.Version)
	}
	return nil
}

// lastSeq asks message-svc for a conversation's last message.
func (s *service) lastSeq(ctx context.Context, conversationID string) (int64, error) {
	lasts, err := s.peers.Messages.Last(ctx, peer.LastRequest{ConversationIDs: []string{conversationID}})
	if err != nil {
		return 0, err
	}
	return lasts.Items[0].Seq, nil
}

// MarkRead believes in a message above the head only where message-svc has it.
func (s *service) MarkRead(ctx context.Context, r peer.MarkReadRequest) (peer.ReadPosition, error) {
	if err := check.Seq("seq", r.Seq); err != nil {
		return peer.ReadPosition{}, err
	}
	entry, err := s.entry(ctx, r.ConversationID)
	if err != nil {
		return peer.ReadPosition{}, err
	}
	if err := s.requireMessage(ctx, &entry, r.Seq); err != nil {
		return peer.ReadPosition{}, err
	}
	if r.Seq <= entry.ReadSeq {
		return peer.ReadPosition{ReadSeq: entry.ReadSeq}, nil
	}
	me := identity.UserID(ctx)
	if err := s.repo.MarkRead(ctx, entry.ID, me, r.Seq); err != nil {
		return peer.ReadPosition{}, err
	}
	s.news.read(chat.ReadEvent{Type: chat.Read, ConversationID: entry.ID, UserID: me, Seq: r.Seq})
	return peer.ReadPosition{ReadSeq: r.Seq}, nil
}

// requireMessage returns a fault unless the conversation has come as far as seq.
func (s *service) requireMessage(ctx context.Context, e *Entry, seq int64) error {
	if seq <= e.Head.Seq {
		return nil
	}
	last, err := s.lastSeq(ctx, e.ID)
	if err == nil && seq > last {
		return fault.BadField("seq", "The conversation has no such message yet.")
	}
	return err
}

// about returns the fault with the field that it is about.
func about(f *fault.Error, field string) error {
	named := *f
	named.Field = field
	return &named
}
