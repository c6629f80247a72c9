package message_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

type sent struct {
	Message chat.Message `json:"message"`
}

type page[T any] struct {
	Items   []T    `json:"items"`
	Next    *int64 `json:"next"`
	HasMore bool   `json:"has_more"`
}

func (f *fixture) send(t *testing.T, token, body, key string) servertest.Answer {
	t.Helper()
	return servertest.Call(t, "POST", f.Public+"/v1/messages", token,
		map[string]string{"conversation_id": "c", "body": body, "client_msg_id": key})
}

func (f *fixture) mustSend(t *testing.T, token, body string) chat.Message {
	t.Helper()
	return servertest.Want[sent](t, http.StatusCreated, f.send(t, token, body, "")).Message
}

func list[T any](t *testing.T, f *fixture, token, query string) page[T] {
	t.Helper()
	return servertest.Want[page[T]](t, http.StatusOK,
		servertest.Call(t, "GET", f.Public+"/v1/messages?conversation_id=c"+query, token, nil))
}

func TestMessageIsSentOnceHoweverOftenItComes(t *testing.T) {
	bothStores(t, func(t *testing.T, f *fixture) {
		first := servertest.Want[sent](t, http.StatusCreated, f.send(t, f.ann, "hello", "key-1"))
		again := servertest.Want[sent](t, http.StatusOK, f.send(t, f.ann, "another body", "key-1"))
		if again != first || first.Message.Seq != 1 || first.Message.AuthorID != "ann" || first.Message.Body != "hello" {
			t.Fatalf("first %+v, again %+v", first.Message, again.Message)
		}
		servertest.Want[sent](t, http.StatusCreated, f.send(t, f.bob, "hello", "key-1"))
	})
}

func TestHistoryIsReadInPagesFromBothEnds(t *testing.T) {
	bothStores(t, func(t *testing.T, f *fixture) {
		for i := range 5 {
			f.mustSend(t, f.ann, fmt.Sprint("message ", i+1))
		}
		newest := list[chat.Message](t, f, f.bob, "&limit=2")
		if len(newest.Items) != 2 || newest.Items[0].Seq != 5 || !newest.HasMore || *newest.Next != 4 {
			t.Fatalf("the newest page is %+v", newest)
		}
		oldest := list[chat.Message](t, f, f.bob, "&before_seq=2")
		if len(oldest.Items) != 1 || oldest.HasMore || oldest.Next != nil {
			t.Fatalf("the page before 2 is %+v", oldest)
		}
		after := list[chat.Message](t, f, f.bob, "&after_seq=3&limit=1")
		if len(after.Items) != 1 || after.Items[0].Seq != 4 || !after.HasMore || *after.Next != 4 {
			t.Fatalf("the page after 3 is %+v", after)
		}
		if end := list[chat.Message](t, f, f.bob, "&after_seq=5"); len(end.Items) != 0 || end.HasMore || *end.Next != 5 {
			t.Fatalf("the page after the last is %+v", end)
		}
	})
}

func TestChangesTakeTheirPlaceInTheFeed(t *testing.T) {
	bothStores(t, func(t *testing.T, f *fixture) {
		mine, theirs := f.mustSend(t, f.ann, "mine"), f.mustSend(t, f.bob, "theirs")
		url := f.Public + "/v1/messages/"
		edited := servertest.Want[sent](t, http.StatusOK, servertest.Call(t, "PATCH", url+mine.ID, f.ann, map[string]string{"body": "edited"}))
		deleted := servertest.Want[sent](t, http.StatusOK, servertest.Call(t, "DELETE", url+theirs.ID, f.ann, nil)) // she is the owner
		if edited.Message.Body != "edited" || edited.Message.Rev != 3 || deleted.Message.DeletedAt == nil || deleted.Message.Body != "" {
			t.Fatalf("edited %+v, deleted %+v", edited.Message, deleted.Message)
		}
		feed := list[chat.Event](t, f, f.bob, "&after_rev=0")
		want := []string{"1 message.created 1", "2 message.created 2", "3 message.updated 1", "4 message.deleted 2"}
		for i, e := range feed.Items {
			if got := fmt.Sprint(e.Rev, " ", e.Type, " ", e.Message.Seq); i >= len(want) || got != want[i] {
				t.Fatalf("event %d is %s, want %v", i+1, got, want)
			}
		}
		if len(feed.Items) != len(want) || *feed.Next != 4 || feed.HasMore {
			t.Fatalf("the feed is %+v", feed)
		}
		again := servertest.Want[sent](t, http.StatusOK, servertest.Call(t, "DELETE", url+theirs.ID, f.bob, nil))
		if again.Message.Rev != deleted.Message.Rev {
			t.Fatalf("deleting a tombstone made event %d", again.Message.Rev)
		}
		refused := servertest.Call(t, "PATCH", url+theirs.ID, f.bob, map[string]string{"body": "back"})
		if p := servertest.Want[servertest.Problem](t, http.StatusConflict, refused); p.Code != "message_deleted" {
			t.Fatalf("editing a tombstone: %+v", p)
		}
	})
}

func TestOnlyThoseWhoMay(t *testing.T) {
	f := start(t, openSQLite(t)(t))
	mine := f.mustSend(t, f.ann, "mine")
	url := f.Public + "/v1/messages/" + mine.ID
	edit := map[string]string{"body": "x"}
	for name, test := range map[string]struct {
		method, url, token string
		body               any
		status             int
	}{
		"a stranger cannot send":                 {"POST", f.Public + "/v1/messages", f.eve, map[string]string{"conversation_id": "c", "body": "x"}, 404},
		"a stranger cannot list":                 {"GET", f.Public + "/v1/messages?conversation_id=c", f.eve, nil, 404},
		"a stranger cannot read":                 {"GET", url, f.eve, nil, 404},
		"a stranger cannot edit":                 {"PATCH", url, f.eve, edit, 404},
		"a stranger cannot delete":               {"DELETE", url, f.eve, nil, 404},
		"a member cannot edit another's message": {"PATCH", url, f.bob, edit, 403},
		"a member cannot delete another's":       {"DELETE", url, f.bob, nil, 403},
		"nobody reads without a token":           {"GET", url, "", nil, 401},
		"nobody reads with a wrong token":        {"GET", url, f.ann + "x", nil, 401},
		"a user's token opens no internal route": {"POST", f.Internal + peer.PathLast, f.ann, map[string]any{"conversation_ids": []string{"c"}}, 401},
		"internal routes are not public":         {"POST", f.Public + peer.PathLast, f.ann, nil, 404},
	} {
		t.Run(name, func(t *testing.T) {
			servertest.Want[servertest.Problem](t, test.status, servertest.Call(t, test.method, test.url, test.token, test.body))
		})
	}
	if got := servertest.Want[sent](t, 200, servertest.Call(t, "GET", url, f.bob, nil)).Message; got != mine {
		t.Fatalf("the message is now %+v", got)
	}
}

func TestOneUserWritesNoFasterThanTheLimitWhicheverWay(t *testing.T) {
	f := startWith(t, openSQLite(t)(t), message.Config{SendRate: 1}) // five at once
	first := f.mustSend(t, f.ann, "1")
	for range 3 {
		f.mustSend(t, f.ann, "more")
	}
	if _, err := f.app.Peer().Edit(identity.As(t.Context(), "ann"), peer.EditRequest{MessageID: first.ID, Body: "edited"}); err != nil {
		t.Fatal(err)
	}
	_, err := f.app.Peer().Send(identity.As(t.Context(), "ann"), peer.SendRequest{ConversationID: "c", Body: "by a socket"})
	if fault.From(err).Kind != fault.RateLimited {
		t.Fatalf("the sixth write: %v, want a refusal", err)
	}
	refused := f.send(t, f.ann, "by HTTP", "")
	if p := servertest.Want[servertest.Problem](t, http.StatusTooManyRequests, refused); p.Code != "rate_limited" {
		t.Fatalf("the problem is %+v", p)
	}
	if refused.Header.Get("Retry-After") == "" || refused.Header.Get("RateLimit") == "" {
		t.Fatalf("the refusal's headers are %v", refused.Header)
	}
	f.mustSend(t, f.bob, "another user")
}

func TestHistoryBeforeAMemberCameStaysHidden(t *testing.T) {
	f := start(t, openSQLite(t)(t))
	hidden, shown := f.mustSend(t, f.ann, "hidden"), f.mustSend(t, f.ann, "shown")
	f.conversations.add("c", "eve", peer.Membership{Role: peer.RoleMember, FromSeq: hidden.Seq})
	servertest.Want[servertest.Problem](t, 404, servertest.Call(t, "GET", f.Public+"/v1/messages/"+hidden.ID, f.eve, nil))
	for _, query := range []string{"", "&before_seq=3", "&after_seq=0"} {
		if p := list[chat.Message](t, f, f.eve, query); len(p.Items) != 1 || p.Items[0].ID != shown.ID {
			t.Fatalf("with %q she sees %+v", query, p.Items)
		}
	}
	if p := list[chat.Event](t, f, f.eve, "&after_rev=0"); len(p.Items) != 1 || *p.Next != 2 {
		t.Fatalf("her feed is %+v", p)
	}
}

func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	f := start(t, openSQLite(t)(t))
	url := f.Public + "/v1/messages"
	deep := strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)
	for name, test := range map[string]struct {
		method, url string
		body        any
		status      int
		code, field string
	}{
		"no JSON":                      {"POST", url, "hello", 400, "invalid_json", ""},
		"two JSON objects":             {"POST", url, `{"conversation_id":"c","body":"x"}{}`, 400, "invalid_json", ""},
		"deeply nested JSON":           {"POST", url, deep, 400, "invalid_json", ""},
		"an oversized body":            {"POST", url, `{"body":"` + strings.Repeat("x", 200_000) + `"}`, 413, "body_too_large", ""},
		"an unknown field":             {"POST", url, `{"conversation_id":"c","body":"x","bdoy":1}`, 400, "unknown_field", ""},
		"a wrong type":                 {"POST", url, `{"conversation_id":"c","body":{"$gt":""}}`, 400, "invalid_field", "body"},
		"invalid UTF-8":                {"POST", url, "{\"conversation_id\":\"c\",\"body\":\"\xff\"}", 400, "invalid_json", ""},
		"NUL in the text":              {"POST", url, `{"conversation_id":"c","body":"a\u0000b"}`, 400, "invalid_field", "body"},
		"an empty body":                {"POST", url, `{"conversation_id":"c","body":""}`, 400, "invalid_field", "body"},
		"a blank body":                 {"POST", url, `{"conversation_id":"c","body":" \n\t "}`, 400, "invalid_field", "body"},
		"a body over 16 KiB":           {"POST", url, map[string]string{"conversation_id": "c", "body": strings.Repeat("x", chat.MaxBody+1)}, 400, "invalid_field", "body"},
		"an id that is none":           {"POST", url, `{"conversation_id":"../c","body":"x"}`, 400, "invalid_field", "conversation_id"},
		"a key that is too long":       {"POST", url, map[string]string{"conversation_id": "c", "body": "x", "client_msg_id": strings.Repeat("k", 65)}, 400, "invalid_field", "client_msg_id"},
		"a negative seq":               {"GET", url + "?conversation_id=c&before_seq=-1", nil, 400, "invalid_field", "before_seq"},
		"a seq beyond what JSON holds": {"GET", url + "?conversation_id=c&after_seq=9007199254740992", nil, 400, "invalid_field", "after_seq"},
		"a seq that is no number":      {"GET", url + "?conversation_id=c&after_rev=x", nil, 400, "invalid_field", "after_rev"},
		"two positions":                {"GET", url + "?conversation_id=c&after_rev=1&after_seq=1", nil, 400, "too_many_positions", ""},
		"a page too long":              {"GET", url + "?conversation_id=c&limit=201", nil, 400, "invalid_field", "limit"},
		"an unknown parameter":         {"GET", url + "?conversation_id=c&befor_seq=1", nil, 400, "unknown_parameter", ""},
		"a parameter given twice":      {"GET", url + "?conversation_id=c&limit=1&limit=2", nil, 400, "invalid_field", "limit"},
		"an operator for a message":    {"GET", url + "/%7B%22$gt%22:%22%22%7D", nil, 400, "invalid_field", "id"},
		"a method that is not there":   {"PUT", url, `{}`, 405, "method_not_allowed", ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer := servertest.Call(t, test.method, test.url, f.ann, test.body)
			p := servertest.Want[servertest.Problem](t, test.status, answer)
			if p.Code != test.code || p.Field != test.field || answer.Header.Get("Content-Type") != "application/problem+json" {
				t.Fatalf("the problem is %s (%s)", answer.Body, answer.Header.Get("Content-Type"))
			}
		})
	}
	if p := list[chat.Event](t, f, f.ann, "&after_rev=0"); len(p.Items) != 0 {
		t.Fatalf("bad input has left %d events", len(p.Items))
	}
}
