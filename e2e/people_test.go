package e2e_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
)

// person is a registered user with a session.
type person struct {
	visitor
	id, email, password string
	session, refresh    string
}

// The shapes that tests read. The contract checks the rest of each.
type (
	tokens struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int64  `json:"expires_in"`
		SessionID    string `json:"session_id"`
		User         struct {
			ID    string `json:"id"`
			Email string `json:"email"`
		} `json:"user"`
	}
	conversation struct {
		ID          string `json:"id"`
		Type        string `json:"type"`
		Title       string `json:"title"`
		PeerID      string `json:"peer_id"`
		Role        string `json:"role"`
		Count       int    `json:"members_count"`
		Unread      int64  `json:"unread"`
		ReadSeq     int64  `json:"read_seq"`
		FromSeq     int64  `json:"from_seq"`
		LastMessage *struct {
			Seq     int64  `json:"seq"`
			Excerpt string `json:"excerpt"`
		} `json:"last_message"`
		Members []member `json:"members"`
	}
	member struct {
		UserID  string `json:"user_id"`
		Role    string `json:"role"`
		ReadSeq int64  `json:"read_seq"`
	}
	started struct {
		Conversation conversation  `json:"conversation"`
		Message      *chat.Message `json:"message"`
	}
	sent struct {
		Message chat.Message `json:"message"`
	}
	page[T, Next any] struct {
		Items   []T   `json:"items"`
		Next    *Next `json:"next"`
		HasMore bool  `json:"has_more"`
	}
)

// register makes an account for a person of a random address.
func register(t testing.TB, url string) person {
	t.Helper()
	p := person{visitor: visit(url), email: random() + "@example.com", password: "correct horse"}
	r := want[tokens](t, 201, p.call(t, "POST", "/v1/auth/register", map[string]string{
		"email": p.email, "password": p.password, "first_name": "First" + random(), "last_name": "Last",
	}))
	p.id = r.User.ID
	return p.logged(r)
}

// login begins another session of the person.
func (p person) login(t testing.TB) person {
	t.Helper()
	return p.logged(want[tokens](t, 200, p.call(t, "POST", "/v1/auth/login", map[string]string{"email": p.email, "password": p.password})))
}

func (p person) logged(r tokens) person {
	p.token, p.session, p.refresh = r.AccessToken, r.SessionID, r.RefreshToken
	return p
}

// group starts a group with the others, without a message.
func (p person) group(t testing.TB, others ...person) string {
	t.Helper()
	ids := make([]string, len(others))
	for i, other := range others {
		ids[i] = other.id
	}
	return want[started](t, 201, p.call(t, "POST", "/v1/conversations", map[string]any{
		"type": "group", "title": "Group", "member_ids": ids,
	})).Conversation.ID
}

// direct starts or goes on with the conversation with the other one.
func (p person) direct(t testing.TB, other person, body string) (conversationID string) {
	t.Helper()
	a := p.call(t, "POST", "/v1/conversations", map[string]any{
		"type": "direct", "member_ids": []string{other.id}, "message": map[string]string{"body": body},
	})
	return want[started](t, a.status, a).Conversation.ID
}

func (p person) send(t testing.TB, conversationID, body string) chat.Message {
	t.Helper()
	return want[sent](t, 201, p.call(t, "POST", "/v1/messages", map[string]string{"conversation_id": conversationID, "body": body})).Message
}

func (p person) get(t testing.TB, conversationID string) conversation {
	t.Helper()
	return want[started](t, 200, p.call(t, "GET", "/v1/conversations/"+conversationID, nil)).Conversation
}

// inbox returns the first page.
func (p person) inbox(t testing.TB) []conversation {
	t.Helper()
	return want[page[conversation, string]](t, 200, p.call(t, "GET", "/v1/conversations", nil)).Items
}

// history returns all messages, oldest first.
func (p person) history(t testing.TB, conversationID string) []chat.Message {
	t.Helper()
	return all[chat.Message](t, p, conversationID, "after_seq", 200)
}

// feed returns all events in their order.
func (p person) feed(t testing.TB, conversationID string) []chat.Event {
	t.Helper()
	return all[chat.Event](t, p, conversationID, "after_rev", 200)
}

// all follows a position from 0 to the end.
func all[T any](t testing.TB, p person, conversationID, position string, limit int) []T {
	t.Helper()
	var items []T
	for next, more := int64(0), true; more; {
		got := want[page[T, int64]](t, 200, p.call(t, "GET", fmt.Sprintf("/v1/messages?conversation_id=%s&%s=%d&limit=%d",
			url.QueryEscape(conversationID), position, next, limit), nil))
		items = append(items, got.Items...)
		next, more = *got.Next, got.HasMore
	}
	return items
}
