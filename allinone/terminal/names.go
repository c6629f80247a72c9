package terminal

import (
	"context"
	"slices"
	"strings"

	"github.com/confab-chat/confab/pkg/client"
)

// title returns what a conversation is called, fit to print.
func (t *talk) title(ctx context.Context, c client.Conversation) string {
	if c.Type == client.Direct {
		return t.name(ctx, c.PeerID)
	}
	return plain(c.Title)
}

// name returns what a user is called, fit to print.
func (t *talk) name(ctx context.Context, userID string) string {
	if _, known := t.names[userID]; !known {
		t.look(ctx, userID)
	}
	if name, known := t.names[userID]; known {
		return name
	}
	return "Somebody"
}

func (t *talk) look(ctx context.Context, userIDs ...string) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	users, err := t.client.Users(ctx, userIDs...)
	if err != nil {
		t.failed("Names cannot be read", err)
	}
	for _, u := range users {
		t.learn(u)
	}
}

func (t *talk) learn(u client.User) {
	if u.ID != t.me.ID {
		t.names[u.ID] = plain(strings.TrimSuffix(u.FirstName+" "+u.LastName, " -"))
	}
}

// learnPeers looks up the others of direct conversations in one call.
func (t *talk) learnPeers(ctx context.Context, conversations []client.Conversation) {
	var unknown []string
	for _, c := range conversations {
		if _, known := t.names[c.PeerID]; c.PeerID != "" && !known {
			unknown = append(unknown, c.PeerID)
		}
	}
	if len(unknown) > 0 {
		t.look(ctx, unknown...)
	}
}

// number returns the number by which /open opens the conversation.
func (t *talk) number(c client.Conversation) int {
	i := slices.IndexFunc(t.listed, func(l client.Conversation) bool { return l.ID == c.ID })
	if i < 0 {
		t.listed = append(t.listed, c)
		return len(t.listed)
	}
	return i + 1
}
