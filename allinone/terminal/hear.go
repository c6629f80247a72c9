package terminal

import (
	"context"
	"slices"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

func (t *talk) handlers(ctx context.Context) client.SocketOptions {
	return client.SocketOptions{
		OnMessage:    func(e chat.Event) { t.post(ctx, func(ctx context.Context) { t.event(ctx, e) }) },
		OnMember:     func(e chat.MemberEvent) { t.post(ctx, func(ctx context.Context) { t.member(ctx, e) }) },
		OnInbox:      func(e chat.InboxEvent) { t.post(ctx, func(ctx context.Context) { t.hint(ctx, e) }) },
		OnJoined:     func(j client.Joined) { t.post(ctx, func(ctx context.Context) { t.history(ctx, j.ConversationID) }) },
		OnRefused:    func(r client.Refused) { t.post(ctx, func(context.Context) { t.refused(r) }) },
		OnConnection: func(c client.Connection) { t.post(ctx, func(context.Context) { t.connection(c) }) },
	}
}

// event shows a message that is new, or was changed.
func (t *talk) event(ctx context.Context, e chat.Event) {
	if t.open == nil || t.open.conversation.ID != e.ConversationID {
		return
	}
	t.put(ctx, *e.Message)
	t.hasRead(e.Message.Seq)
}

// put shows a message unless it is on the screen as it is.
func (t *talk) put(ctx context.Context, m chat.Message) {
	if t.open.messages[m.Seq].Rev >= m.Rev {
		return
	}
	t.open.messages[m.Seq] = m
	delete(t.open.messages, m.Seq-1000) // so much is remembered for /edit and /delete
	t.announced[m.ConversationID] = max(t.announced[m.ConversationID], m.Rev)
	t.say("%s", show(m, t.name(ctx, m.AuthorID)))
}

// history shows the newest messages, once the later ones are sure to come.
func (t *talk) history(ctx context.Context, conversationID string) {
	if t.open == nil || t.open.conversation.ID != conversationID || t.open.shown {
		return
	}
	calling, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	page, err := t.client.History(calling, conversationID, 0, historyShown)
	if err != nil {
		t.failed("The history cannot be read", err)
		return
	}
	t.open.shown = true
	for _, m := range slices.Backward(page.Items) {
		t.put(ctx, m)
	}
	if len(page.Items) > 0 {
		t.hasRead(page.Items[0].Seq)
	}
	t.say("── %s: type a line and press Enter ──", t.open.title)
}

// hasRead tells the server how far the user has read, in one call for many messages.
func (t *talk) hasRead(seq int64) {
	o := t.open
	if o.readTo.Store(max(o.readTo.Load(), seq)); !o.marking.CompareAndSwap(false, true) {
		return
	}
	waits := t.later(func(ctx context.Context) {
		o.marking.Store(false)
		ctx, cancel := context.WithTimeout(ctx, callWait)
		defer cancel()
		_, _ = t.client.MarkRead(ctx, o.conversation.ID, o.readTo.Load()) // the next message is another chance
	})
	if !waits {
		o.marking.Store(false)
	}
}

// hint tells of a message in a conversation that is not open.
func (t *talk) hint(ctx context.Context, e chat.InboxEvent) {
	if e.ConversationID == "" {
		t.lookForNew(ctx)
		return
	}
	if t.open != nil && t.open.conversation.ID == e.ConversationID || t.announced[e.ConversationID] >= e.Rev {
		return
	}
	calling, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	conversation, err := t.client.Conversation(calling, e.ConversationID)
	if err != nil || conversation.Unread == 0 || conversation.LastMessage == nil {
		return // it is in the inbox, or will be
	}
	t.announced[conversation.ID] = max(e.Rev, conversation.LastMessage.Rev)
	t.say("* %s: %s  (/open %d)", t.title(ctx, conversation), plain(conversation.LastMessage.Excerpt), t.number(conversation))
}

// lookForNew tells of conversations that nothing told of: a new group of which nobody has said anything yet. It comes every minute.
func (t *talk) lookForNew(ctx context.Context) {
	calling, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	page, err := t.client.Inbox(calling, client.Page{Limit: inboxShown})
	if err != nil {
		return // the next minute is another chance
	}
	for _, c := range page.Items {
		listed := slices.ContainsFunc(t.listed, func(l client.Conversation) bool { return l.ID == c.ID })
		if !listed && c.LastMessage == nil {
			t.welcome(ctx, c)
		}
	}
}

// added tells of a conversation that the user was brought into.
func (t *talk) added(ctx context.Context, conversationID string) {
	calling, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	c, err := t.client.Conversation(calling, conversationID)
	if err != nil {
		t.say("* You are in a new conversation. /inbox shows it.")
		return
	}
	t.welcome(ctx, c)
}

func (t *talk) welcome(ctx context.Context, c client.Conversation) {
	t.say("* You are in %s.  (/open %d)", t.title(ctx, c), t.number(c))
}

func (t *talk) member(ctx context.Context, e chat.MemberEvent) {
	here := t.open != nil && t.open.conversation.ID == e.ConversationID
	switch {
	case e.UserID == t.me.ID && e.Type == chat.MemberAdded:
		t.added(ctx, e.ConversationID)
	case e.UserID == t.me.ID && here:
		t.say("* You are no longer in %s.", t.open.title)
		t.open = nil
	case here && e.Type == chat.MemberAdded:
		t.say("* %s is in.", t.name(ctx, e.UserID))
	case here:
		t.say("* %s is out.", t.name(ctx, e.UserID))
	}
}

func (t *talk) refused(r client.Refused) {
	if t.open != nil && t.open.conversation.ID == r.ConversationID {
		t.failed("You cannot be in "+t.open.title, r.Err)
		t.open = nil
	}
}

func (t *talk) connection(c client.Connection) {
	switch {
	case c.State == client.Connected && t.lost:
		t.say("* Connected again.")
		t.lost = false
	case c.State == client.Closed && !t.lost:
		t.say("* Reconnecting…")
		t.lost = true
	}
}
