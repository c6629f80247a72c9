package auth

import (
	"context"
	"errors"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/token"
)

// staleTries is how often a change is tried that others are in the way of.
const staleTries = 50

// begin gives the user, whose password was just verified, a session.
func (s *service) begin(ctx context.Context, u User, c Client) (Tokens, error) {
	session := newSession(id.New(), u, c, chat.Now(), s.tutorialTTL)
	tokens, err := s.tokens(u, &session, session.CreatedAt)
	if err != nil {
		return Tokens{}, err
	}
	if err := s.repo.CreateSession(ctx, session); err != nil {
		return Tokens{}, err
	}
	// A new password that was stored since the user was read may have missed this session when it ended all others.
	now, err := s.repo.User(ctx, u.ID)
	if err != nil {
		return Tokens{}, err
	}
	if !session.live(now, session.CreatedAt) {
		return Tokens{}, s.refuse(ctx, session, endedByPassword, errCredentials)
	}
	s.remember(ctx, u, c.Network)
	return tokens, s.makeRoom(ctx, session)
}

// tokens issues tokens at now and notes in the session how long they live.
func (s *service) tokens(u User, session *Session, now chat.Time) (Tokens, error) {
	ttl := session.tokenTTL(now)
	access, err := s.keys.signing(now.Time).Sign(token.Claims{
		SessionID: session.ID, UserID: u.ID, FirstName: u.FirstName, LastName: u.LastName, Email: u.Email, Role: u.Role,
	}, now.Time, ttl)
	session.TokensUntil = chat.TimeOf(now.Add(ttl + tokenSlack))
	t := Tokens{AccessToken: access, TokenType: "Bearer", ExpiresIn: int64(ttl.Seconds()), SessionID: session.ID, User: u.profile()}
	if session.Generation > 0 {
		t.RefreshToken = s.keys.refreshToken(session.ID, session.Generation)
	}
	return t, err
}

func (s *service) Refresh(ctx context.Context, r RefreshRequest) (Tokens, error) {
	if err := check.Text("refresh_token", r.RefreshToken, 512); err != nil {
		return Tokens{}, err
	}
	sessionID, generation, ok := s.keys.readRefreshToken(r.RefreshToken)
	if !ok {
		return Tokens{}, errRefresh
	}
	for range staleTries {
		tokens, err := s.refresh(ctx, sessionID, generation)
		if !errors.Is(err, ErrStale) {
			return tokens, err
		}
	}
	return Tokens{}, errBusy.After(time.Second)
}

// refresh returns ErrStale where the session changed after it was read.
func (s *service) refresh(ctx context.Context, sessionID string, generation int64) (Tokens, error) {
	session, err := s.repo.Session(ctx, sessionID)
	if errors.Is(err, ErrNoSession) {
		return Tokens{}, errRefresh
	}
	if err != nil {
		return Tokens{}, err
	}
	u, err := s.repo.User(ctx, session.UserID)
	if err != nil {
		return Tokens{}, err
	}
	now := chat.Now()
	if !session.live(u, now) {
		return Tokens{}, errRefresh
	}
	next, ok := session.refreshed(generation, now)
	if !ok {
		s.log.WarnContext(ctx, "refresh token reused, session ended", "session_id", session.ID, "user_id", u.ID)
		return Tokens{}, s.refuse(ctx, session, endedByReuse, errRefresh)
	}
	tokens, err := s.tokens(u, &next, now)
	if err != nil {
		return Tokens{}, err
	}
	return tokens, s.repo.RefreshSession(ctx, next, session.Generation)
}

func (s *service) ListSessions(ctx context.Context, r ListSessionsRequest) (SessionPage, error) {
	limit, err := check.Limit(r.Limit)
	if err := check.All(err, check.OptionalID("cursor", r.Cursor)); err != nil {
		return SessionPage{}, err
	}
	who := identity.From(ctx)
	sessions, err := s.repo.LiveSessions(ctx, who.UserID, r.Cursor, chat.Now(), limit+1)
	if err != nil {
		return SessionPage{}, err
	}
	page := SessionPage{HasMore: len(sessions) > limit, Items: []SessionItem{}}
	for _, session := range sessions[:min(limit, len(sessions))] {
		page.Items = append(page.Items, session.item(who.SessionID))
	}
	if page.HasMore {
		page.Next = &page.Items[limit-1].ID
	}
	return page, nil
}
