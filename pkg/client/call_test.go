package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/client"
)

func TestRefusalsAreErrors(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   client.Error
		text   string
	}{
		"a problem": {
			answer(409, `{"code":"not_owner","detail":"No.","status":409}`, "X-Request-Id", "r1"),
			client.Error{Status: 409, Code: "not_owner", Detail: "No.", RequestID: "r1"}, "409 not_owner: No.",
		},
		"a field": {
			answer(400, `{"code":"invalid_field","detail":"Too long.","field":"title"}`),
			client.Error{Status: 400, Code: "invalid_field", Detail: "Too long.", Field: "title"}, "400 invalid_field (title): Too long.",
		},
		"a proxy's page": {
			answer(418, `<html>`, "Retry-After", "7"),
			client.Error{Status: 418, Code: "unexpected_answer", Detail: "The answer is no problem+json: I'm a teapot.", RetryAfter: 7 * time.Second},
			"418 unexpected_answer: The answer is no problem+json: I'm a teapot.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				s.on("PATCH /v1/conversations/c1", test.answer)
				_, err := s.newClient().Rename(t.Context(), "c1", "Dinner")
				got, ok := errors.AsType[*client.Error](err)
				if !ok || *got != test.want || got.Error() != test.text {
					t.Fatalf("got %+v: %v", got, err)
				}
			})
		})
	}
}

const message = `{"message":{"id":"m1","body":"Hi","created_at":"2026-05-06T07:08:09.123Z"}}`

func TestWhatIsTriedAgain(t *testing.T) {
	busy, refused := answer(503, `{"code":"busy"}`, "Retry-After", "2"), answer(404, `{"code":"conversation_not_found"}`)
	send := func(ctx context.Context, c *client.Client) error {
		_, err := c.Send(ctx, client.Draft{ConversationID: "c1", Body: "Hi"})
		return err
	}
	register := func(ctx context.Context, c *client.Client) error {
		_, err := c.Register(ctx, client.Registration{Email: "me@example.com"})
		return err
	}
	leave := func(ctx context.Context, c *client.Client) error { return c.LeaveGroup(ctx, "c1") }
	hide := func(ctx context.Context, c *client.Client) error { return c.Clear(ctx, "c1") }
	for name, test := range map[string]struct {
		route   string
		call    func(ctx context.Context, c *client.Client) error
		answers []http.HandlerFunc
		tries   int
		code    string
		waited  time.Duration // at least
	}{
		"a send that finds the server busy":   {"POST /v1/messages", send, []http.HandlerFunc{busy, busy, answer(201, message)}, 3, "", 4 * time.Second},
		"a send that loses its connection":    {"POST /v1/messages", send, []http.HandlerFunc{hangUp, hangUp, answer(201, message)}, 3, "", 0},
		"a send behind a proxy that restarts": {"POST /v1/messages", send, []http.HandlerFunc{answer(502, ""), answer(504, ""), answer(201, message)}, 3, "", 0},
		"a send that comes too fast": {
			"POST /v1/messages", send, []http.HandlerFunc{answer(429, `{"code":"rate_limited"}`, "Retry-After", "9"), answer(201, message)}, 2, "", 9 * time.Second,
		},
		"a send that is to wait for an hour": {
			"POST /v1/messages", send, []http.HandlerFunc{answer(429, `{"code":"rate_limited"}`, "Retry-After", "3600"), answer(201, message)}, 2, "", 30 * time.Second,
		},
		"not a send that is refused":        {"POST /v1/messages", send, []http.HandlerFunc{refused}, 1, "conversation_not_found", 0},
		"not a send that meets a fault":     {"POST /v1/messages", send, []http.HandlerFunc{answer(500, `{"code":"internal"}`)}, 1, "internal", 0},
		"not a registration":                {"POST /v1/auth/register", register, []http.HandlerFunc{busy}, 1, "busy", 0},
		"a leave that had been carried out": {"POST /v1/conversations/c1/leave", leave, []http.HandlerFunc{hangUp, refused}, 2, "", 0},
		"not a leave that came too late":    {"POST /v1/conversations/c1/leave", leave, []http.HandlerFunc{refused}, 1, "conversation_not_found", 0},
		"not a clearing, which would hide what came since": {
			"DELETE /v1/conversations/c1", hide, []http.HandlerFunc{hangUp, answer(204, "")}, 1, `Delete "http://confab.test/v1/conversations/c1": EOF`, 0,
		},
		"a leave that was only too fast": {
			"POST /v1/conversations/c1/leave", leave, []http.HandlerFunc{answer(429, `{"code":"rate_limited"}`), refused}, 2, "conversation_not_found", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				var keys []string
				answers := inTurn(test.answers...)
				s.on(test.route, func(w http.ResponseWriter, r *http.Request) {
					var body struct {
						ClientMsgID string `json:"client_msg_id"`
					}
					_ = json.NewDecoder(r.Body).Decode(&body)
					keys = append(keys, body.ClientMsgID)
					answers(w, r)
				})
				start := time.Now()
				err := test.call(t.Context(), s.newClient())
				if test.code == "" && err != nil || test.code != "" && code(err) != test.code {
					t.Errorf("got %v", err)
				}
				if waited := time.Since(start); waited < test.waited || waited > test.waited+time.Second {
					t.Errorf("it took %v, want %v and some jitter", waited, test.waited)
				}
				if len(keys) != test.tries {
					t.Fatalf("%d tries, want %d", len(keys), test.tries)
				}
				if strings.Contains(test.route, "messages") && keys[0] == "" || keys[0] != keys[len(keys)-1] {
					t.Errorf("tried with the keys %q", keys)
				}
			})
		})
	}
}

func TestTriesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.on("GET /v1/users/me", hangUp)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := s.newClient().Me(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "EOF") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestAWaitThatTheContextCannotOutliveIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.on("GET /v1/users/me", answer(429, `{"code":"rate_limited"}`, "Retry-After", "20"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.newClient().Me(ctx)
		if time.Since(start) > time.Second || code(err) != "rate_limited" || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v after %v", err, time.Since(start))
		}
	})
}

func TestAnswersThatAreNone(t *testing.T) {
	for says, handler := range map[string]http.HandlerFunc{
		"invalid character": answer(200, "<html>"),
		"is too large":      answer(200, strings.Repeat(" ", 33<<20)+"{}"),
	} {
		t.Run(says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				s.on("GET /v1/users/me", handler)
				if _, err := s.newClient().Me(t.Context()); err == nil || !strings.Contains(err.Error(), "the answer to GET /v1/users/me") || !strings.Contains(err.Error(), says) {
					t.Fatalf("got %v", err)
				}
			})
		})
	}
}

func TestASlowAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.on("GET /v1/users/me", inTurn(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, answer(200, `{"user":{"id":"me"}}`)))
		start := time.Now()
		me, err := s.newClient().Me(t.Context())
		if err != nil || me.ID != "me" || time.Since(start) < 15*time.Second || time.Since(start) > 16*time.Second {
			t.Fatalf("got %+v, %v after %v", me, err, time.Since(start))
		}
	})
}

func TestURLsThatAreNoServers(t *testing.T) {
	for _, u := range []string{"", "localhost:3000", "ftp://example.com", "http://", "http://a b"} {
		if _, err := client.New(client.Options{URL: u}); err == nil {
			t.Errorf("%q was taken", u)
		}
	}
}
