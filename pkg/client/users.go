package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// User is what others may know of a user.
type User struct {
	ID        string `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
}

// Names are what a user is called. An empty one stays as it is.
type Names struct {
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
}

type profileAnswer struct {
	User Profile `json:"user"`
}

// Me returns the user's profile.
func (c *Client) Me(ctx context.Context) (Profile, error) {
	var out profileAnswer
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/users/me"}, &out)
	return out.User, err
}

// EditMe changes the user's names.
func (c *Client) EditMe(ctx context.Context, n Names) (Profile, error) {
	var out profileAnswer
	err := c.do(ctx, call{method: http.MethodPatch, path: "/v1/users/me", body: n}, &out)
	return out.User, err
}

// Users returns those of at most chat.MaxPage users that exist, in no order.
func (c *Client) Users(ctx context.Context, ids ...string) ([]User, error) {
	list, err := c.findUsers(ctx, url.Values{"ids": {strings.Join(ids, ",")}})
	return list.Items, err
}

// UserByEmail returns the user of the address; false where nobody has it.
func (c *Client) UserByEmail(ctx context.Context, email string) (User, bool, error) {
	list, err := c.findUsers(ctx, url.Values{"email": {email}})
	if err != nil || len(list.Items) == 0 {
		return User{}, false, err
	}
	return list.Items[0], true, nil
}

// UsersByName returns users whose first and last name begin with prefix, by name.
func (c *Client) UsersByName(ctx context.Context, prefix string, p Page) (List[User], error) {
	q := p.query()
	q.Set("prefix", prefix)
	return c.findUsers(ctx, q)
}

func (c *Client) findUsers(ctx context.Context, q url.Values) (List[User], error) {
	var out List[User]
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/users", query: q}, &out)
	return out, err
}
