package auth

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/token"
)

// Why a session ended, a metric's label.
const (
	endedByLogout   = "logout"
	endedByPassword = "password"
	endedByReuse    = "reuse"
	endedByRole     = "role"
)

const (
	refreshTries    = 50 // as many refreshes of one session may be in each other's way
	announceTimeout = time.Second
)

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
	return tokens, nil
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
	for range refreshTries {
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

func (s *service) Logout(ctx context.Context, _ None) (httpkit.Empty, error) {
	who := identity.From(ctx)
	return httpkit.Empty{}, s.end(ctx, Session{ID: who.SessionID, UserID: who.UserID}, endedByLogout)
}

func (s *service) LogoutAll(ctx context.Context, _ None) (httpkit.Empty, error) {
	return httpkit.Empty{}, s.endAll(ctx, identity.UserID(ctx), "", endedByLogout)
}

func (s *service) EndSession(ctx context.Context, r EndSessionRequest) (httpkit.Empty, error) {
	if err := check.ID("id", r.SessionID); err != nil {
		return httpkit.Empty{}, err
	}
	ended, err := s.repo.EndSession(ctx, identity.UserID(ctx), r.SessionID, chat.Now())
	if err == nil {
		s.announce(ctx, endedByLogout, ended)
	}
	return httpkit.Empty{}, err
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

// end ends the session. One that has ended before is well.
func (s *service) end(ctx context.Context, session Session, reason string) error {
	ended, err := s.repo.EndSession(ctx, session.UserID, session.ID, chat.Now())
	if errors.Is(err, ErrNoSession) {
		return nil
	}
	if err == nil {
		s.announce(ctx, reason, ended)
	}
	return err
}

// refuse ends the session and returns why, or the error that kept it alive.
func (s *service) refuse(ctx context.Context, session Session, reason string, why error) error {
	if err := s.end(ctx, session, reason); err != nil {
		return err
	}
	return why
}

// endAll ends the user's live sessions but the one of id keep.
func (s *service) endAll(ctx context.Context, userID, keep, reason string) error {
	for before := ""; ; {
		sessions, err := s.repo.LiveSessions(ctx, userID, before, chat.Now(), chat.MaxPage)
		if err != nil || len(sessions) == 0 {
			return err
		}
		var ended []Session
		for _, session := range sessions {
			if session.ID == keep {
				continue
			}
			e, err := s.repo.EndSession(ctx, userID, session.ID, chat.Now())
			if err != nil && !errors.Is(err, ErrNoSession) {
				return err
			}
			if err == nil {
				ended = append(ended, e)
			}
		}
		s.announce(ctx, reason, ended...)
		before = sessions[len(sessions)-1].ID
	}
}

// announce tells the other services at once what they would otherwise learn at their next pull. The ends are stored, so it waits
// for the broker no longer than announceTimeout.
func (s *service) announce(ctx context.Context, reason string, ended ...Session) {
	s.ended.WithLabelValues(reason).Add(float64(len(ended)))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTimeout)
	defer cancel()
	for _, session := range ended {
		if err := s.publish(ctx, session.event()); err != nil {
			s.log.WarnContext(ctx, "end of a session not announced", "error", err.Error())
			return
		}
	}
}

func (s *service) publish(ctx context.Context, e chat.SessionEvent) error {
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return errors.Join(s.broker.Publish(ctx, chat.SessionsChannel, payload), s.broker.Publish(ctx, chat.UserChannel(e.UserID), payload))
}
