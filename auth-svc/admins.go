package auth

import (
	"context"
	"errors"
	"slices"
)

// appointAdmins makes the users with these addresses admins, and those admins who are not among them members, whose sessions
// end. An address without a user is passed over: nobody has proved that it is hers, so whoever registers with it later stays a
// member until the next start.
func (s *service) appointAdmins(ctx context.Context, emails []string) error {
	var appointed []string
	for _, email := range emails {
		email, err := normalEmail(email)
		if err != nil {
			return err
		}
		u, err := s.repo.UserByEmail(ctx, email)
		if errors.Is(err, ErrNoUser) {
			s.log.WarnContext(ctx, "an address of -admin-emails has no user yet: register it, then start again")
			continue
		}
		if err != nil {
			return err
		}
		appointed = append(appointed, u.ID)
		if u.Role != RoleAdmin {
			if err := s.repo.SetRole(ctx, u.ID, RoleAdmin); err != nil {
				return err
			}
			s.log.InfoContext(ctx, "user made admin", "user_id", u.ID)
		}
	}
	return s.dismissAdmins(ctx, appointed)
}

func (s *service) dismissAdmins(ctx context.Context, except []string) error {
	admins, err := s.repo.UsersByRole(ctx, RoleAdmin)
	if err != nil {
		return err
	}
	for _, u := range admins {
		if slices.Contains(except, u.ID) {
			continue
		}
		if err := s.dismiss(ctx, u.ID); err != nil {
			return err
		}
		s.log.InfoContext(ctx, "admin made member", "user_id", u.ID)
	}
	return nil
}

// dismiss ends the sessions before too: should the process die in between, none of an admin's tokens lives on.
func (s *service) dismiss(ctx context.Context, userID string) error {
	if err := s.endAll(ctx, userID, "", endedByRole); err != nil {
		return err
	}
	if err := s.repo.SetRole(ctx, userID, RoleMember); err != nil {
		return err
	}
	return s.endAll(ctx, userID, "", endedByRole)
}
