package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/tcp"
	"github.com/confab-chat/confab/pkg/tracing"
)

const (
	callTimeout = 5 * time.Second
	answerTime  = 250 * time.Millisecond // from the callee's deadline to the arrival of its answer
	tripAfter   = 8                      // calls in a row without an answer: one replica of several that is away does not make so many
	openFor     = time.Second            // in which a service that does not answer is asked nothing; then one call finds out whether it does
	maxAnswer   = 64 << 20               // bytes: chat.MaxBatch messages of chat.MaxBody whose every character is escaped
)

// client calls one service's /internal/ routes.
type client struct {
	service string
	base    string
	keys    Keys
	http    *http.Client
	breaker *gobreaker.TwoStepCircuitBreaker[any] // else each request would wait callTimeout for a service that is away
}

func newClient(service, baseURL string, keys Keys) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 128
	transport.DialContext = tcp.Dialer(callTimeout).DialContext
	return &client{
		service: service, base: strings.TrimSuffix(baseURL, "/"), keys: keys,
		http: &http.Client{Transport: tracing.Transport(transport), Timeout: callTimeout},
		breaker: gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
			Timeout:     openFor,
			ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= tripAfter },
			IsExcluded:  func(err error) bool { return errors.Is(err, context.Canceled) }, // the caller left: that says nothing of the service
		}),
	}
}

// call posts the request and returns the answer. The callee's faults come back as they were, but where it refuses this
// service's token, has no such route or cannot be reached the fault is Unavailable: the client of the client has done nothing wrong.
func call[Resp any](ctx context.Context, c *client, path string, request any) (Resp, error) {
	var response Resp
	answer, err := c.post(ctx, path, request)
	if err != nil {
		return response, c.failed(ctx, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return response, c.failed(ctx, err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return response, c.faultOf(answer, body)
	}
	if err := json.Unmarshal(body, &response); err != nil {
		return response, c.unavailable(err)
	}
	return response, nil
}

func (c *client) post(ctx context.Context, path string, request any) (*http.Response, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	token, err := c.keys.Token(c.service, identity.UserID(ctx))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(httpkit.WaitHeader, strconv.FormatInt(waitOf(ctx).Milliseconds(), 10))
	tracing.SetHeader(ctx, r.Header)
	if info := httpkit.InfoFrom(ctx); info.RequestID != "" {
		r.Header.Set("X-Request-Id", info.RequestID)
	}
	tell, err := c.breaker.Allow()
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	tell(err)
	return answer, err
}

// waitOf is the time that a callee has for its work.
func waitOf(ctx context.Context) time.Duration {
	wait := callTimeout
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline))
	}
	return max(wait-answerTime, time.Millisecond)
}

func (c *client) faultOf(answer *http.Response, body []byte) error {
	var p struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Field  string `json:"field"`
	}
	_ = json.Unmarshal(body, &p) // what is no problem has no code
	kind, ok := fault.KindOf(answer.StatusCode)
	f := fault.New(kind, p.Code, p.Detail)
	f.Field = p.Field
	if !ok || kind == fault.Unauthenticated || kind == fault.Internal || p.Code == "" || f.Is(httpkit.ErrNoSuchRoute) {
		return c.unavailable(fmt.Errorf("status %d: %s: %s", answer.StatusCode, p.Code, p.Detail))
	}
	wait, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // 0 where there is none
	return f.After(time.Duration(wait) * time.Second)
}

// failed says why there is no answer: the caller gave up, or the service is out of reach.
func (c *client) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fault.From(fmt.Errorf("%s: %w", c.service, ctx.Err()))
	}
	return c.unavailable(err)
}

func (c *client) unavailable(cause error) error {
	return fault.New(fault.Unavailable, "service_unavailable", "A part of the server is out of reach. Try again.").
		After(time.Second).Because(fmt.Errorf("%s: %w", c.service, cause))
}
