package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	callWait  = 15 * time.Second // for one try, its answer read
	maxAnswer = 32 << 20         // bytes: 200 messages of 16 KiB whose every character is escaped
)

// call is one operation of the API.
type call struct {
	method, path string
	query        url.Values
	body         any  // nil: none
	public       bool // it takes no token
	once         bool // it is not tried again: a second time is not the same as one
	gone         bool // 404 after a try without an answer means that it was carried out then
}

// do carries out a call, again and again where that may help. It returns an *Error, a broken connection's error, or where the context
// ended first its error together with that of the last try.
func (c *Client) do(ctx context.Context, k call, out any) error {
	doubt := false
	for attempt := 0; ; attempt++ {
		err := c.authorized(ctx, k, out)
		if doubt && k.gone && hasStatus(err, http.StatusNotFound) {
			return nil
		}
		doubt = doubt || !hasStatus(err, http.StatusTooManyRequests)
		if err == nil || k.once || !passes(err) {
			return err
		}
		if ended := sleep(ctx, pauseAfter(err, attempt)); ended != nil {
			return fmt.Errorf("%w; the last try: %w", ended, err)
		}
	}
}

// authorized makes one try. A token that is refused is renewed, and the call made again.
func (c *Client) authorized(ctx context.Context, k call, out any) error {
	if k.public {
		return c.exchange(ctx, k, "", out)
	}
	t, err := c.validTokens(ctx)
	if err != nil {
		return err
	}
	err = c.exchange(ctx, k, t.Access, out)
	if !hasStatus(err, http.StatusUnauthorized) || t.Refresh == "" {
		return err
	}
	if t, err = c.renew(ctx, t.Access); err != nil {
		return err
	}
	return c.exchange(ctx, k, t.Access, out)
}

// exchange sends one request and decodes its answer into out, which may be nil.
func (c *Client) exchange(ctx context.Context, k call, token string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	request, err := c.request(ctx, k, token)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return connectionError(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return connectionError(err)
	case response.StatusCode >= http.StatusMultipleChoices:
		return problem(response.StatusCode, response.Header, body)
	case len(body) > maxAnswer:
		return fmt.Errorf("client: the answer to %s %s is too large", k.method, k.path)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("client: the answer to %s %s: %w", k.method, k.path, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, k call, token string) (*http.Request, error) {
	var payload []byte
	if k.body != nil {
		var err error
		if payload, err = json.Marshal(k.body); err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
	}
	address := c.base + k.path
	if len(k.query) > 0 {
		address += "?" + k.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, k.method, address, bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	request.Header.Set("User-Agent", c.userAgent)
	if k.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request, nil
}

// connectionError tells what time may mend from a server that is not the one it claims to be.
func connectionError(err error) error {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return err
	}
	return &lostError{err}
}

// Page asks for a page of a list.
type Page struct {
	Cursor string // the Next of the page before; empty: the first
	Limit  int    // zero: chat.DefaultPage; at most chat.MaxPage
}

func (p Page) query() url.Values {
	q := url.Values{}
	if p.Cursor != "" {
		q.Set("cursor", p.Cursor)
	}
	if p.Limit != 0 {
		q.Set("limit", strconv.Itoa(p.Limit))
	}
	return q
}

// List is a page. It may hold fewer items than asked for, even none, while HasMore is true.
type List[T any] struct {
	Items   []T    `json:"items"`
	Next    string `json:"next"` // the Cursor of the page behind this one; empty on the last
	HasMore bool   `json:"has_more"`
}

// segment makes an id fit for a path.
func segment(id string) string { return url.PathEscape(id) }
