package client

import (
	"context"
	"net/http"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// Profile is a user as she sees herself.
type Profile struct {
	ID        string    `json:"id"`
	Email     string    `json:"email"`
	FirstName string    `json:"first_name"`
	LastName  string    `json:"last_name"`
	Role      string    `json:"role"`
	CreatedAt chat.Time `json:"created_at"`
}

// Registration is a new account.
type Registration struct {
	Email     string `json:"email"`
	Password  string `json:"password"` // 8 characters or more
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

type tokensAnswer struct {
	AccessToken  string  `json:"access_token"`
	ExpiresIn    int64   `json:"expires_in"` // seconds
	RefreshToken string  `json:"refresh_token"`
	SessionID    string  `json:"session_id"`
	User         Profile `json:"user"`
}

// tokens counts from the present. It drops the monotonic clock, which stands still while a laptop sleeps.
func (a tokensAnswer) tokens() Tokens {
	return Tokens{
		Access: a.AccessToken, Refresh: a.RefreshToken, SessionID: a.SessionID,
		ExpiresAt: time.Now().Round(0).Add(time.Duration(a.ExpiresIn) * time.Second),
	}
}

// Register makes an account and begins its first session. It is tried once. It returns an *Error of code email_taken where the address
// has an account.
func (c *Client) Register(ctx context.Context, r Registration) (Profile, error) {
	return c.begin(ctx, "/v1/auth/register", r)
}

// Login begins a session. It is tried once. It returns an *Error of code credentials_refused for a wrong password or an unknown address.
func (c *Client) Login(ctx context.Context, email, password string) (Profile, error) {
	return c.begin(ctx, "/v1/auth/login", map[string]string{"email": email, "password": password})
}

func (c *Client) begin(ctx context.Context, path string, body any) (Profile, error) {
	var a tokensAnswer
	if err := c.do(ctx, call{method: http.MethodPost, path: path, body: body, public: true, once: true}, &a); err != nil {
		return Profile{}, err
	}
	c.tokens.set(a.tokens())
	return a.User, nil
}

// Refresh gets the session's next tokens now. There is no need to call it: the Client does so in time.
func (c *Client) Refresh(ctx context.Context) error {
	t, _ := c.tokens.current()
	_, err := c.renew(ctx, t.Access)
	return err
}

// Logout ends this session, and forgets its tokens where the server has ended it.
func (c *Client) Logout(ctx context.Context) error { return c.end(ctx, "/v1/auth/logout") }

// LogoutAll ends all sessions of the user, this one too.
func (c *Client) LogoutAll(ctx context.Context) error { return c.end(ctx, "/v1/auth/logout-all") }

func (c *Client) end(ctx context.Context, path string) error {
	err := c.do(ctx, call{method: http.MethodPost, path: path, once: true}, nil)
	if err == nil {
		c.tokens.set(Tokens{})
	}
	return err
}

// Session is a login.
type Session struct {
	ID         string    `json:"id"`
	Label      string    `json:"label"`   // the User-Agent that began it
	Current    bool      `json:"current"` // it is the one that asks
	CreatedAt  chat.Time `json:"created_at"`
	LastUsedAt chat.Time `json:"last_used_at"`
	ExpiresAt  chat.Time `json:"expires_at"` // unless it is refreshed before
}

// Sessions lists the user's live sessions, newest first.
func (c *Client) Sessions(ctx context.Context, p Page) (List[Session], error) {
	var out List[Session]
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/auth/sessions", query: p.query()}, &out)
	return out, err
}

// EndSession ends one of the user's sessions.
func (c *Client) EndSession(ctx context.Context, sessionID string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: "/v1/auth/sessions/" + segment(sessionID), gone: true}, nil)
}

// ChangePassword ends all other sessions. It is tried once.
func (c *Client) ChangePassword(ctx context.Context, current, next string) error {
	body := map[string]string{"current_password": current, "new_password": next}
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/password", body: body, once: true}, nil)
}

// ForgotPassword has a link mailed, if the address has an account. It is tried once.
func (c *Client) ForgotPassword(ctx context.Context, email string) error {
	body := map[string]string{"email": email}
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/password/forgot", body: body, public: true, once: true}, nil)
}

// ResetPassword sets the password with a mailed token, and ends all sessions. It is tried once.
func (c *Client) ResetPassword(ctx context.Context, token, password string) error {
	body := map[string]string{"token": token, "password": password}
	return c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/password/reset", body: body, public: true, once: true}, nil)
}
