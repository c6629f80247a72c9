// Package auth is auth-svc: users, their sessions and passwords, and the keys that sign their tokens.
package auth

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
)

// Service is what auth-svc does. Who acts is in the context. Errors are faults.
type Service interface {
	peer.Auth
	// KnowsNetwork reports whether the account of the email address was lately proved to be its user's from the network: by a
	// login, its registration or a new password from a mailed link.
	KnowsNetwork(ctx context.Context, email, network string) (bool, error)
	// Register makes an account and its first session.
	Register(ctx context.Context, r RegisterRequest) (Tokens, error)
	// Login begins a session, and ends the user's oldest where she has too many. An unknown email and a wrong password are one error, after the same work.
	Login(ctx context.Context, r LoginRequest) (Tokens, error)
	// Refresh answers with a session's next tokens. A refresh token that comes again when its successor has long been used ends
	// the session: one of its two holders is a thief.
	Refresh(ctx context.Context, r RefreshRequest) (Tokens, error)
	// Logout ends the acting session.
	Logout(ctx context.Context, r None) (httpkit.Empty, error)
	// LogoutAll ends all sessions of the acting user.
	LogoutAll(ctx context.Context, r None) (httpkit.Empty, error)
	// ListSessions returns the acting user's live sessions, newest first.
	ListSessions(ctx context.Context, r ListSessionsRequest) (SessionPage, error)
	// EndSession ends one of the acting user's sessions.
	EndSession(ctx context.Context, r EndSessionRequest) (httpkit.Empty, error)
	// ChangePassword ends all sessions but the acting one.
	ChangePassword(ctx context.Context, r ChangePasswordRequest) (httpkit.Empty, error)
	// ForgotPassword has a link mailed to the address if a user has it. Nothing in the answer tells whether one does.
	ForgotPassword(ctx context.Context, r ForgotPasswordRequest) (httpkit.Empty, error)
	// ResetPassword takes the token of the newest such link, once, and ends all sessions.
	ResetPassword(ctx context.Context, r ResetPasswordRequest) (httpkit.Empty, error)
	// Me returns the acting user.
	Me(ctx context.Context, r None) (ProfileResponse, error)
	// EditMe changes the acting user's names.
	EditMe(ctx context.Context, r EditMeRequest) (ProfileResponse, error)
	// FindUsers returns what others may know of users.
	FindUsers(ctx context.Context, r FindUsersRequest) (UserPage, error)
}

// None is the request of what needs nothing but to know who acts.
type None struct{}

// Client says who asks. The transport fills it in, never the request's body.
type Client struct {
	Tutorial bool   // the session has one long-lived token and no refresh token
	Label    string // the User-Agent, by which a user tells her sessions apart
	Network  string // that the request came from, as limits count it
}

// RegisterRequest is a new account.
type RegisterRequest struct {
	Email     string `json:"email"`
	Password  string `json:"password"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Client    Client `json:"-"`
}

// LoginRequest proves who one is.
type LoginRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Client   Client `json:"-"`
}

// RefreshRequest holds a session's refresh token.
type RefreshRequest struct {
	RefreshToken string `json:"refresh_token"`
}

// Tokens are a session's tokens, with their user.
type Tokens struct {
	AccessToken  string  `json:"access_token"`
	TokenType    string  `json:"token_type"` // Bearer
	ExpiresIn    int64   `json:"expires_in"` // seconds
	RefreshToken string  `json:"refresh_token,omitempty"`
	SessionID    string  `json:"session_id"`
	User         Profile `json:"user"`
	Registered   bool    `json:"-"`
}

// StatusCode is 201 where the account is new.
func (t Tokens) StatusCode() int {
	if t.Registered {
		return 201
	}
	return 200
}

// Profile is a user as she sees herself.
type Profile struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	FirstName string    `json:"first_name"`
	LastName  string    `json:"last_name"`
	Role      string    `json:"role"`
	CreatedAt chat.Time `json:"created_at"`
}

// ProfileResponse wraps a Profile.
type ProfileResponse struct {
	User Profile `json:"user"`
}

// ListSessionsRequest asks for at most Limit sessions, those behind Cursor.
type ListSessionsRequest struct {
	Limit  int    `query:"limit" json:"-"` // zero: chat.DefaultPage
	Cursor string `query:"cursor" json:"-"`
}

// SessionPage is a page of sessions. Next is the Cursor of the page behind it; null on the last.
type SessionPage struct {
	Items   []SessionItem `json:"items"`
	Next    *string       `json:"next"`
	HasMore bool          `json:"has_more"`
}

// SessionItem is a session as its user sees it.
type SessionItem struct {
	ID         string    `json:"id"`
	Label      string    `json:"label"`
	Current    bool      `json:"current"` // it is the one that asks
	CreatedAt  chat.Time `json:"created_at"`
	LastUsedAt chat.Time `json:"last_used_at"` // its tokens were last issued
	ExpiresAt  chat.Time `json:"expires_at"`   // unless it is refreshed before
}

// EndSessionRequest names a session.
type EndSessionRequest struct {
	SessionID string `path:"id" json:"-"`
}

// ChangePasswordRequest proves once more who acts.
type ChangePasswordRequest struct {
	CurrentPassword string `json:"current_password"`
	NewPassword     string `json:"new_password"`
}

// ForgotPasswordRequest names an account.
type ForgotPasswordRequest struct {
	Email string `json:"email"`
}

// ResetPasswordRequest holds the token of a mailed link.
type ResetPasswordRequest struct {
	Token    string `json:"token"`
	Password string `json:"password"`
	Client   Client `json:"-"`
}

// EditMeRequest holds what is to change; what is missing stays as it is.
type EditMeRequest struct {
	FirstName *string `json:"first_name"`
	LastName  *string `json:"last_name"`
}

// FindUsersRequest asks in exactly one of three ways. Limit and Cursor are for the page of a prefix.
type FindUsersRequest struct {
	IDs    []string `query:"ids" json:"-"`    // at most chat.MaxPage
	Prefix *string  `query:"prefix" json:"-"` // of the first and last name, case ignored
	Email  *string  `query:"email" json:"-"`  // the whole address
	Limit  int      `query:"limit" json:"-"`  // zero: chat.DefaultPage
	Cursor string   `query:"cursor" json:"-"`
}

// UserPage is a page of users, by name where they were asked for by prefix. Next is the Cursor of the page behind it; null on the last.
type UserPage struct {
	Items   []peer.User `json:"items"`
	Next    *string     `json:"next"`
	HasMore bool        `json:"has_more"`
}

// The domain's errors.
var (
	ErrNoUser     = fault.New(fault.NotFound, "user_not_found", "There is no such user.")
	ErrEmailTaken = fault.New(fault.Conflict, "email_taken", "That email address is already in use.")
	ErrNoSession  = fault.New(fault.NotFound, "session_not_found", "You have no such session.")
	ErrNoReset    = fault.New(fault.Unprocessable, "reset_token_refused", "The reset token is wrong, used or expired. Ask for a new one.")

	errCredentials = fault.New(fault.Unauthenticated, "credentials_refused", "The email address or the password is wrong.")
	errPassword    = fault.New(fault.Forbidden, "password_refused", "The current password is wrong.")
	errRefresh     = fault.New(fault.Unauthenticated, "refresh_token_refused", "The refresh token is wrong or its session has ended. Log in again.")
	errBusy        = fault.New(fault.Unavailable, "busy", "The server has too much to do. Try again.")
)
