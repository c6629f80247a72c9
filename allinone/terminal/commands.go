package terminal

import (
	"context"
	"strconv"
	"strings"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

const help = `  /inbox                 list conversations
  /open N                open one by its number
  /new EMAIL [TEXT]      write to somebody
  /group TITLE EMAIL...  start a group
  /members               who is in the open conversation
  /edit N TEXT           change your message #N
  /delete N              delete your message #N
  /quit                  leave (or Ctrl-C)
  //TEXT                 send a line that begins with a slash
`

// do carries out a line; false at the end.
func (t *talk) do(ctx context.Context, line string) bool {
	if strings.TrimSpace(line) == "" {
		return true
	}
	if !strings.HasPrefix(line, "/") || strings.HasPrefix(line, "//") {
		t.send(strings.TrimPrefix(line, "/"))
		return true
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	switch rest = strings.TrimSpace(rest); name {
	case "/help":
		t.say("%s", strings.TrimRight(help, "\n"))
	case "/inbox":
		t.inbox(ctx)
	case "/open":
		t.openNumber(ctx, rest)
	case "/new":
		t.startDirect(ctx, rest)
	case "/group":
		t.startGroup(ctx, rest)
	case "/members":
		t.members(ctx)
	case "/edit":
		t.edit(ctx, rest)
	case "/delete":
		t.remove(ctx, rest)
	case "/quit":
		return false
	default:
		t.say("There is no %s. /help lists the commands.", plain(name))
	}
	return true
}

func (t *talk) send(text string) {
	if t.open == nil {
		t.say("Open a conversation first: /open N, or /new EMAIL.")
		return
	}
	draft := client.Draft{ConversationID: t.open.conversation.ID, Body: text}
	task := func(ctx context.Context) {
		_, err := t.socket.Send(ctx, draft)
		t.post(ctx, func(context.Context) { t.sent(err) })
	}
	switch {
	case t.later(task):
	case t.screen.patient():
		t.next = task
	default:
		t.say("Too much waits to be sent. Try again in a moment.")
		return
	}
	t.unsent++
}

// sent takes what became of a message.
func (t *talk) sent(err error) {
	t.unsent--
	if err != nil {
		t.failed("Not sent", err)
	}
}

func (t *talk) inbox(ctx context.Context) {
	page, err := t.client.Inbox(ctx, client.Page{Limit: inboxShown})
	if err != nil {
		t.failed("The inbox cannot be read", err)
		return
	}
	t.listed = page.Items
	if len(t.listed) == 0 {
		t.say("You have no conversations. /new EMAIL starts one.")
	}
	t.learnPeers(ctx, page.Items)
	for i, c := range page.Items {
		line := strconv.Itoa(i+1) + "  " + t.title(ctx, c)
		if c.Unread > 0 {
			line += "  (" + strconv.FormatInt(c.Unread, 10) + " unread)"
		}
		if c.LastMessage != nil {
			line += "  " + plain(c.LastMessage.Excerpt)
		}
		t.say("%s", line)
	}
}

func (t *talk) openNumber(ctx context.Context, argument string) {
	n, err := strconv.Atoi(argument)
	if err != nil || n < 1 || n > len(t.listed) {
		t.say("Give the number of a conversation: /inbox lists them.")
		return
	}
	t.enter(ctx, t.listed[n-1])
}

// enter opens a conversation. Its history follows once the socket has joined it.
func (t *talk) enter(ctx context.Context, c client.Conversation) {
	if t.open != nil {
		t.socket.Leave(t.open.conversation.ID)
	}
	t.open = &opened{conversation: c, title: t.title(ctx, c), messages: map[int64]chat.Message{}}
	t.socket.Join(c.ID, client.FromNow)
}

func (t *talk) startDirect(ctx context.Context, arguments string) {
	email, text, _ := strings.Cut(arguments, " ")
	if email == "" {
		t.say("Give an address: /new ann@example.com Hello")
		return
	}
	if ids, ok := t.people(ctx, email); ok {
		t.start(ctx, client.Start{Type: client.Direct, MemberIDs: ids, Body: strings.TrimSpace(text)})
	}
}

func (t *talk) startGroup(ctx context.Context, arguments string) {
	words := strings.Fields(arguments)
	first := len(words)
	for first > 0 && strings.Contains(words[first-1], "@") {
		first--
	}
	if first == 0 {
		t.say("Give a title, then addresses: /group Lunch club ann@example.com")
		return
	}
	if ids, ok := t.people(ctx, words[first:]...); ok {
		t.start(ctx, client.Start{Type: client.Group, Title: strings.Join(words[:first], " "), MemberIDs: ids})
	}
}

// people returns the ids of those who have the addresses.
func (t *talk) people(ctx context.Context, emails ...string) ([]string, bool) {
	ids := []string{}
	for _, email := range emails {
		user, found, err := t.client.UserByEmail(ctx, email)
		switch {
		case err != nil:
			t.failed("Nobody was looked up", err)
			return nil, false
		case !found:
			t.say("Nobody has the address %s.", plain(email))
			return nil, false
		}
		t.learn(user)
		ids = append(ids, user.ID)
	}
	return ids, true
}

func (t *talk) start(ctx context.Context, s client.Start) {
	started, err := t.client.Start(ctx, s)
	if err != nil {
		t.failed("Not started", err)
		return
	}
	t.number(started.Conversation)
	t.enter(ctx, started.Conversation)
}

func (t *talk) members(ctx context.Context) {
	if t.open == nil {
		t.say("Open a conversation first.")
		return
	}
	c, err := t.client.Conversation(ctx, t.open.conversation.ID)
	if err != nil {
		t.failed("The members cannot be read", err)
		return
	}
	for _, m := range c.Members {
		t.say("  %s (%s, has read to #%d)", t.name(ctx, m.UserID), plain(m.Role), m.ReadSeq)
	}
}

func (t *talk) edit(ctx context.Context, arguments string) {
	n, text, _ := strings.Cut(arguments, " ")
	if m, ok := t.message(n); ok {
		if _, err := t.client.Edit(ctx, m.ID, strings.TrimSpace(text)); err != nil {
			t.failed("Not changed", err)
		}
	}
}

func (t *talk) remove(ctx context.Context, n string) {
	if m, ok := t.message(n); ok {
		if _, err := t.client.Delete(ctx, m.ID); err != nil {
			t.failed("Not deleted", err)
		}
	}
}

// message returns the message on the screen that an argument names.
func (t *talk) message(argument string) (chat.Message, bool) {
	n, err := strconv.ParseInt(strings.TrimPrefix(argument, "#"), 10, 64)
	if err == nil && t.open != nil {
		if m, ok := t.open.messages[n]; ok {
			return m, true
		}
	}
	t.say("Give the number of a message on the screen, such as 12 for #12.")
	return chat.Message{}, false
}
