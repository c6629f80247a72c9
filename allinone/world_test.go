package allinone_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

// person is a registered user.
type person struct {
	ID    string
	token string
}

type registered struct {
	AccessToken string `json:"access_token"`
	User        struct {
		ID string `json:"id"`
	} `json:"user"`
}

type started struct {
	Conversation struct {
		ID string `json:"id"`
	} `json:"conversation"`
}

type sent struct {
	Message chat.Message `json:"message"`
}

type list[T any] struct {
	Items   []T    `json:"items"`
	Next    *int64 `json:"next"`
	HasMore bool   `json:"has_more"`
}

type inboxItem struct {
	ID          string `json:"id"`
	Unread      int64  `json:"unread"`
	LastMessage struct {
		Seq     int64  `json:"seq"`
		Excerpt string `json:"excerpt"`
	} `json:"last_message"`
}

func register(t *testing.T, url, name string) person {
	t.Helper()
	r := servertest.Want[registered](t, http.StatusCreated, servertest.Call(t, "POST", url+"/v1/auth/register", "",
		map[string]string{"email": name + "@example.com", "password": "correct horse", "first_name": name, "last_name": "Test"}))
	return person{ID: r.User.ID, token: r.AccessToken}
}

func group(t *testing.T, url string, owner person, others ...person) string {
	t.Helper()
	var ids []string
	for _, p := range others {
		ids = append(ids, p.ID)
	}
	answer := servertest.Call(t, "POST", url+"/v1/conversations", owner.token, map[string]any{"type": "group", "title": "Test", "member_ids": ids})
	return servertest.Want[started](t, http.StatusCreated, answer).Conversation.ID
}

func send(t *testing.T, url string, author person, conversation, body string) chat.Message {
	t.Helper()
	answer := servertest.Call(t, "POST", url+"/v1/messages", author.token, map[string]string{"conversation_id": conversation, "body": body})
	return servertest.Want[sent](t, http.StatusCreated, answer).Message
}

// history returns all messages of the conversation, oldest first.
func history(t *testing.T, url string, reader person, conversation string) []chat.Message {
	t.Helper()
	var all []chat.Message
	for after, more := int64(0), true; more; {
		page := servertest.Want[list[chat.Message]](t, http.StatusOK, servertest.Call(t, "GET",
			fmt.Sprintf("%s/v1/messages?conversation_id=%s&after_seq=%d&limit=200", url, conversation, after), reader.token, nil))
		all = append(all, page.Items...)
		after, more = *page.Next, page.HasMore
	}
	return all
}

func inbox(t *testing.T, url string, reader person) map[string]inboxItem {
	t.Helper()
	page := servertest.Want[list[inboxItem]](t, http.StatusOK, servertest.Call(t, "GET", url+"/v1/conversations?limit=200", reader.token, nil))
	items := map[string]inboxItem{}
	for _, item := range page.Items {
		items[item.ID] = item
	}
	return items
}
