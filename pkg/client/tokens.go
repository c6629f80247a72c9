package client

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Tokens let a Client act for a user.
type Tokens struct {
	Access    string    `json:"access_token"`
	Refresh   string    `json:"refresh_token,omitempty"` // empty: the Client cannot renew Access, which dies at ExpiresAt
	ExpiresAt time.Time `json:"expires_at"`              // by this machine's clock; zero: not known
	SessionID string    `json:"session_id,omitempty"`
}

const (
	renewWait  = 5 * time.Second // for a renewal before it is due: without its answer the present token still serves
	renewAgain = 5 * time.Second // until the next one is tried after that
)

// keeper holds a session's tokens.
type keeper struct {
	onChange func(Tokens)
	telling  sync.Mutex    // held while tokens change, so that onChange hears in order
	renewing chan struct{} // holds a value while one goroutine renews

	mu      sync.Mutex
	tokens  Tokens
	renewAt time.Time     // zero: not by itself
	changed chan struct{} // closed at the next change
}

func newKeeper(t Tokens, onChange func(Tokens)) *keeper {
	k := &keeper{onChange: onChange, renewing: make(chan struct{}, 1), changed: make(chan struct{})}
	k.tokens, k.renewAt = t, renewalOf(t)
	return k
}

// renewalOf leaves a fifth of a token's life for tries.
func renewalOf(t Tokens) time.Time {
	if t.Refresh == "" || t.ExpiresAt.IsZero() {
		return time.Time{}
	}
	return t.ExpiresAt.Add(-max(0, time.Until(t.ExpiresAt)) / 5)
}

// current returns the tokens, and a channel that is closed when they change.
func (k *keeper) current() (Tokens, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tokens, k.changed
}

// due returns when to renew; zero: not by itself.
func (k *keeper) due() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.renewAt
}

func (k *keeper) set(t Tokens) {
	k.telling.Lock()
	defer k.telling.Unlock()
	k.replace(t)
}

// follow is set where the tokens are still those that t was got with, or that were refused.
func (k *keeper) follow(before, t Tokens) {
	k.telling.Lock()
	defer k.telling.Unlock()
	if now, _ := k.current(); now == before {
		k.replace(t)
	}
}

func (k *keeper) replace(t Tokens) {
	k.mu.Lock()
	k.tokens, k.renewAt = t, renewalOf(t)
	close(k.changed)
	k.changed = make(chan struct{})
	k.mu.Unlock()
	if k.onChange != nil {
		k.onChange(t)
	}
}

func (k *keeper) postpone() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.renewAt.IsZero() {
		k.renewAt = time.Now().Add(renewAgain)
	}
}

// validTokens returns tokens that have not expired as far as is known, and renews those that will soon.
func (c *Client) validTokens(ctx context.Context) (Tokens, error) {
	t, _ := c.tokens.current()
	switch due := c.tokens.due(); {
	case t.Access == "":
		return t, ErrNoSession
	case due.IsZero() || time.Now().Before(due):
		return t, nil
	case !time.Now().Before(t.ExpiresAt):
		return c.renew(ctx, t.Access)
	}
	return c.renewEarly(ctx), nil
}

// renewEarly tries once, in one goroutine; the others go on with what there is.
func (c *Client) renewEarly(ctx context.Context) Tokens {
	select {
	case c.tokens.renewing <- struct{}{}:
		defer func() { <-c.tokens.renewing }()
		ctx, cancel := context.WithTimeout(ctx, renewWait)
		defer cancel()
		before, _ := c.tokens.current()
		if due := c.tokens.due(); !due.IsZero() && !time.Now().Before(due) {
			if err := c.refresh(ctx, before, true); err != nil {
				c.tokens.postpone()
			}
		}
	default:
	}
	t, _ := c.tokens.current()
	return t
}

// renew returns tokens other than the stale one. Of many callers one asks the server. It returns the server's *Error where the session
// is over.
func (c *Client) renew(ctx context.Context, stale string) (Tokens, error) {
	select {
	case c.tokens.renewing <- struct{}{}:
		defer func() { <-c.tokens.renewing }()
	case <-ctx.Done():
		return Tokens{}, ctx.Err()
	}
	before, _ := c.tokens.current()
	switch {
	case before.Access == "" || before.Refresh == "" && before.Access == stale:
		return Tokens{}, ErrNoSession
	case before.Access != stale:
		return before, nil
	}
	if err := c.refresh(ctx, before, false); err != nil {
		return Tokens{}, err
	}
	t, _ := c.tokens.current()
	return t, nil
}

// refresh gets the session's next tokens. The server takes a refresh token again whose answer was lost.
func (c *Client) refresh(ctx context.Context, before Tokens, once bool) error {
	var a tokensAnswer
	body := map[string]string{"refresh_token": before.Refresh}
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/auth/refresh", body: body, public: true, once: once}, &a)
	switch {
	case err == nil:
		c.tokens.follow(before, a.tokens())
	case hasStatus(err, http.StatusUnauthorized):
		c.tokens.follow(before, Tokens{})
	}
	return err
}
