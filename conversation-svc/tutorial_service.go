package conversation

import (
	"context"
	"errors"
	"slices"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	tutorialHistory    = 500 // messages of a conversation, the newest
	tutorialRecipients = 100
)

var (
	errNoMessage   = fault.New(fault.Unprocessable, "message_required", "Please enter a message.")
	errNoRecipient = fault.New(fault.Unprocessable, "recipient_invalid", "Please choose a valid recipient for your message.")
)

// tutorial is what the tutorial's clients ask of conversations.
type tutorial struct {
	service *service
}

// list returns the latest message of each of the caller's newest conversations that has one for her.
func (t *tutorial) list(ctx context.Context, _ struct{}) (tutorialInbox, error) {
	entries, err := t.service.repo.Page(ctx, identity.UserID(ctx), top, chat.MaxPage)
	if err != nil {
		return tutorialInbox{}, err
	}
	latest, err := t.latest(ctx, entries)
	if err != nil {
		return tutorialInbox{}, err
	}
	authors, err := t.authors(ctx, latest)
	inbox := tutorialInbox{Conversations: make([][]tutorialMessage, len(latest))}
	for i, m := range latest {
		inbox.Conversations[i] = []tutorialMessage{tutorialMessageOf(m, authors)}
	}
	return inbox, err
}

// latest returns the newest message of each conversation, but for those that she has not seen come.
func (t *tutorial) latest(ctx context.Context, entries []Entry) ([]chat.Message, error) {
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.Head.Seq <= max(e.FromSeq, e.ClearedSeq) })
	if len(entries) == 0 {
		return nil, nil
	}
	var r peer.LastRequest
	for _, e := range entries {
		r.ConversationIDs = append(r.ConversationIDs, e.ID)
	}
	lasts, err := t.service.peers.Messages.Last(ctx, r)
	var latest []chat.Message
	for _, last := range lasts.Items {
		if last.Newest != nil {
			latest = append(latest, *last.Newest)
		}
	}
	return latest, err
}

// authors returns the users who wrote the messages. One who is unknown is missing from it.
func (t *tutorial) authors(ctx context.Context, messages []chat.Message) (map[string]peer.User, error) {
	var r peer.UsersRequest
	for _, m := range messages {
		r.IDs = append(r.IDs, m.AuthorID)
	}
	if len(r.IDs) == 0 {
		return nil, nil
	}
	r.IDs = distinct(r.IDs)
	users, err := t.service.peers.Auth.Users(ctx, r)
	authors := make(map[string]peer.User, len(users.Items))
	for _, user := range users.Items {
		authors[user.ID] = user
	}
	return authors, err
}

func (t *tutorial) recipients(ctx context.Context, _ struct{}) (tutorialUsers, error) {
	users, err := t.service.peers.Auth.Recipients(ctx, peer.RecipientsRequest{Limit: tutorialRecipients})
	answer := tutorialUsers{Recipients: make([]tutorialUser, len(users.Items))}
	for i, user := range users.Items {
		answer.Recipients[i] = tutorialUserOf(user)
	}
	return answer, err
}

// get returns the newest messages that are neither deleted nor older than her membership.
func (t *tutorial) get(ctx context.Context, r tutorialConversation) (tutorialMessages, error) {
	entry, err := t.service.entry(ctx, r.ConversationID)
	if err != nil {
		return tutorialMessages{}, err
	}
	newest, err := t.service.peers.Messages.Newest(ctx, peer.NewestRequest{
		ConversationID: entry.ID, AfterSeq: entry.FromSeq, Limit: tutorialHistory,
	})
	if err != nil {
		return tutorialMessages{}, err
	}
	authors, err := t.authors(ctx, newest.Items)
	answer := tutorialMessages{Conversation: []tutorialLine{}}
	for _, m := range newest.Items {
		if m.DeletedAt == nil {
			answer.Conversation = append(answer.Conversation, tutorialLineOf(m, authors))
		}
	}
	return answer, err
}

func (t *tutorial) send(ctx context.Context, r tutorialReply) (tutorialDone, error) {
	entry, err := t.service.entry(ctx, r.ConversationID)
	if err != nil {
		return tutorialDone{}, err
	}
	if blank(r.ComposedMessage) {
		return tutorialDone{}, errNoMessage
	}
	_, err = t.service.peers.Messages.Send(ctx, peer.SendRequest{ConversationID: entry.ID, Body: r.ComposedMessage})
	return tutorialDone{Message: "Reply successfully sent!"}, err
}

func (t *tutorial) start(ctx context.Context, r tutorialStart) (tutorialStarted, error) {
	if blank(r.ComposedMessage) {
		return tutorialStarted{}, errNoMessage
	}
	started, err := t.service.Start(ctx, StartRequest{
		Type: TypeDirect, MemberIDs: []string{r.Recipient}, Message: &FirstMessage{Body: r.ComposedMessage},
	})
	var f *fault.Error
	if errors.As(err, &f) && f.Field == "member_ids" {
		return tutorialStarted{}, errNoRecipient
	}
	return tutorialStarted{Message: "Conversation started!", ConversationID: started.Conversation.ID}, err
}

func (t *tutorial) delete(ctx context.Context, r tutorialConversation) (tutorialDone, error) {
	return tutorialDone{Message: "Conversation removed!"}, t.service.clear(ctx, r.ConversationID)
}

func (t *tutorial) edit(ctx context.Context, r tutorialEdit) (tutorialDone, error) {
	if blank(r.ComposedMessage) {
		return tutorialDone{}, errNoMessage
	}
	_, err := t.service.peers.Messages.Edit(ctx, peer.EditRequest{MessageID: r.MessageID, Body: r.ComposedMessage})
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.Forbidden { // the tutorial's contract: a permission that is lacking is 404
		err = fault.New(fault.NotFound, f.Code, f.Detail).Because(err)
	}
	return tutorialDone{Message: "Message updated!"}, err
}
