package auth

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

func (s *service) Keys(context.Context, peer.KeysRequest) (peer.JWKS, error) {
	return s.keys.public(), nil
}

func (s *service) Revocations(ctx context.Context, r peer.RevocationsRequest) (peer.Revocations, error) {
	if err := check.OptionalID("after", r.After); err != nil {
		return peer.Revocations{}, err
	}
	page := peer.Revocations{Now: chat.Now()} // read before the sessions: what ends meanwhile is in the next round too
	ended, err := s.repo.EndedSessions(ctx, r.Since, r.After, page.Now, peer.RevocationsPage+1)
	if len(ended) > peer.RevocationsPage {
		ended = ended[:peer.RevocationsPage]
		last := ended[len(ended)-1]
		page.Next = &peer.RevocationsRequest{Since: last.EndedAt, After: last.ID}
	}
	page.Sessions = make([]chat.SessionEvent, len(ended))
	for i, session := range ended {
		page.Sessions[i] = session.event()
	}
	return page, err
}

func (s *service) Users(ctx context.Context, r peer.UsersRequest) (peer.Users, error) {
	if err := check.IDs("ids", r.IDs, chat.MaxBatch); err != nil {
		return peer.Users{}, err
	}
	users, err := s.repo.UsersByID(ctx, r.IDs)
	return peer.Users{Items: public(users)}, err
}

func (s *service) Recipients(ctx context.Context, r peer.RecipientsRequest) (peer.Users, error) {
	if r.Limit < 1 || r.Limit > chat.MaxBatch {
		return peer.Users{}, fault.BadField("limit", "The limit is 1 to 500.")
	}
	found, err := s.repo.UsersByName(ctx, "", lastRune, r.Limit+1)
	var others []User
	for _, u := range found {
		if u.ID != identity.UserID(ctx) && len(others) < r.Limit {
			others = append(others, u)
		}
	}
	return peer.Users{Items: public(others)}, err
}
