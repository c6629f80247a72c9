package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/id"
)

// Draft is a message to send.
type Draft struct {
	ConversationID string
	Body           string // at most chat.MaxBody bytes
	ClientMsgID    string // makes a retry the same message; empty: a new one is made for this call
}

func (d Draft) keyed() Draft {
	if d.ClientMsgID == "" {
		d.ClientMsgID = id.New()
	}
	return d
}

type draftBody struct {
	ConversationID string `json:"conversation_id,omitempty"`
	Body           string `json:"body"`
	ClientMsgID    string `json:"client_msg_id"`
}

type messageAnswer struct {
	Message chat.Message `json:"message"`
}

// Send stores a message, once however often it has to be tried. After an error that is no *Error it is not known whether it was stored:
// call again with the same ClientMsgID, which has to be the caller's own for that. Concurrent calls have no order; Socket.Send has one.
func (c *Client) Send(ctx context.Context, d Draft) (chat.Message, error) {
	var out messageAnswer
	d = d.keyed()
	body := draftBody(d)
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/messages", body: body}, &out)
	return out.Message, err
}

// Edit replaces the body of a message of the user's.
func (c *Client) Edit(ctx context.Context, messageID, body string) (chat.Message, error) {
	var out messageAnswer
	edit := draftBody{Body: body, ClientMsgID: id.New()}
	err := c.do(ctx, call{method: http.MethodPatch, path: message(messageID), body: edit}, &out)
	return out.Message, err
}

// Delete empties a message of the user's, or any in a group of hers.
func (c *Client) Delete(ctx context.Context, messageID string) (chat.Message, error) {
	var out messageAnswer
	err := c.do(ctx, call{method: http.MethodDelete, path: message(messageID)}, &out)
	return out.Message, err
}

// Message returns one message.
func (c *Client) Message(ctx context.Context, messageID string) (chat.Message, error) {
	var out messageAnswer
	err := c.do(ctx, call{method: http.MethodGet, path: message(messageID)}, &out)
	return out.Message, err
}

func message(messageID string) string { return "/v1/messages/" + segment(messageID) }

// Messages is a page of history. Next leads to the page behind it.
type Messages struct {
	Items   []chat.Message `json:"items"`
	Next    int64          `json:"next"`
	HasMore bool           `json:"has_more"`
}

// Feed is a page of events. Next is the position of the page behind it, which is always given.
type Feed struct {
	Items   []chat.Event `json:"items"`
	Next    int64        `json:"next"`
	HasMore bool         `json:"has_more"`
}

// History returns the newest messages before a seq, newest first; beforeSeq zero: the newest of all. Next is the beforeSeq of the page
// behind. Limit zero is chat.DefaultPage; chat.MaxPage is the most.
func (c *Client) History(ctx context.Context, conversationID string, beforeSeq int64, limit int) (Messages, error) {
	q := listQuery(conversationID, limit)
	if beforeSeq != 0 {
		q.Set("before_seq", strconv.FormatInt(beforeSeq, 10))
	}
	var out Messages
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/messages", query: q}, &out)
	return out, err
}

// HistoryAfter returns the messages after a seq, oldest first. Next is the afterSeq of the page behind.
func (c *Client) HistoryAfter(ctx context.Context, conversationID string, afterSeq int64, limit int) (Messages, error) {
	q := listQuery(conversationID, limit)
	q.Set("after_seq", strconv.FormatInt(afterSeq, 10))
	var out Messages
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/messages", query: q}, &out)
	return out, err
}

// Feed returns the events after a rev, in their order, each with its message as it is now. Revs may skip. Next is the afterRev of the
// page behind.
func (c *Client) Feed(ctx context.Context, conversationID string, afterRev int64, limit int) (Feed, error) {
	q := listQuery(conversationID, limit)
	q.Set("after_rev", strconv.FormatInt(afterRev, 10))
	var out Feed
	err := c.do(ctx, call{method: http.MethodGet, path: "/v1/messages", query: q}, &out)
	return out, err
}

func listQuery(conversationID string, limit int) url.Values {
	q := url.Values{"conversation_id": {conversationID}}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return q
}
