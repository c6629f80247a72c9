package auth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
)

// Why a session ended, a metric's label.
const (
	endedByLogout   = "logout"
	endedByPassword = "password"
	endedByReuse    = "reuse"
	endedByRole     = "role"
	endedByCap      = "cap" // the user began one more
)

const announceTimeout = time.Second

func (s *service) Logout(ctx context.Context, _ None) (httpkit.Empty, error) {
	return httpkit.Empty{}, s.endActing(ctx)
}

// LogoutAll ends the acting session last: after a failure its token is still good for another try.
func (s *service) LogoutAll(ctx context.Context, _ None) (httpkit.Empty, error) {
	ctx, cancel := whole(ctx)
	defer cancel()
	who := identity.From(ctx)
	if err := s.endAll(ctx, who.UserID, who.SessionID, endedByLogout); err != nil {
		return httpkit.Empty{}, err
	}
	return httpkit.Empty{}, s.endActing(ctx)
}

func (s *service) endActing(ctx context.Context) error {
	who := identity.From(ctx)
	return s.end(ctx, Session{ID: who.SessionID, UserID: who.UserID}, endedByLogout)
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
	return s.endBelow(ctx, userID, "", keep, reason)
}

// makeRoom ends the oldest live sessions of its user where there are more than maxSessions with the one that has just begun.
// That one stays, though a clock that goes wrong may make it the oldest.
func (s *service) makeRoom(ctx context.Context, begun Session) error {
	live, err := s.repo.LiveSessions(ctx, begun.UserID, "", begun.CreatedAt, maxSessions)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(live, func(other Session) bool { return other.ID == begun.ID })
	if len(others) < maxSessions-1 {
		return nil
	}
	return s.endBelow(ctx, begun.UserID, others[maxSessions-2].ID, begun.ID, endedByCap)
}

// endBelow ends the user's live sessions whose id is below before, but the one of id keep, in batches from the greatest id down.
// An empty before is above all. After an error it may be called again: it goes on with what still lives.
func (s *service) endBelow(ctx context.Context, userID, before, keep, reason string) error {
	for {
		live, err := s.repo.LiveSessions(ctx, userID, before, chat.Now(), chat.MaxPage)
		if err != nil || len(live) == 0 {
			return err
		}
		before = live[len(live)-1].ID
		ids := make([]string, 0, len(live))
		for _, session := range live {
			if session.ID != keep {
				ids = append(ids, session.ID)
			}
		}
		ended, err := s.repo.EndSessions(ctx, userID, ids, chat.Now())
		if err != nil {
			return err
		}
		s.announce(ctx, reason, ended...)
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
