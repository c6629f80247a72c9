package conversation

import (
	"strings"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

// The tutorial's requests and answers, by the names that its clients know.
type (
	tutorialConversation struct {
		ConversationID string `path:"conversationId"`
	}
	tutorialReply struct {
		ConversationID  string `path:"conversationId"`
		ComposedMessage string `json:"composedMessage"`
	}
	tutorialStart struct {
		Recipient       string `path:"recipient"`
		ComposedMessage string `json:"composedMessage"`
	}
	tutorialEdit struct {
		MessageID       string `path:"messageId"`
		ComposedMessage string `json:"composedMessage"`
	}

	tutorialInbox struct {
		Conversations [][]tutorialMessage `json:"conversations"` // each holds one message
	}
	tutorialUsers struct {
		Recipients []tutorialUser `json:"recipients"`
	}
	tutorialMessages struct {
		Conversation []tutorialLine `json:"conversation"`
	}
	tutorialDone struct {
		Message string `json:"message"`
	}
	tutorialStarted struct {
		Message        string `json:"message"`
		ConversationID string `json:"conversationId"`
	}

	tutorialMessage struct {
		ID             string       `json:"_id"`
		ConversationID string       `json:"conversationId"`
		Body           string       `json:"body"`
		Author         tutorialUser `json:"author"`
		CreatedAt      chat.Time    `json:"createdAt"`
		UpdatedAt      chat.Time    `json:"updatedAt"`
		Version        int          `json:"__v"` // Mongoose's: always 0
	}
	tutorialLine struct {
		ID        string       `json:"_id"`
		CreatedAt chat.Time    `json:"createdAt"`
		Body      string       `json:"body"`
		Author    tutorialUser `json:"author"`
	}
	tutorialUser struct {
		ID      string          `json:"_id"`
		Profile tutorialProfile `json:"profile"`
	}
	tutorialProfile struct {
		FirstName string `json:"firstName"`
		LastName  string `json:"lastName"`
	}
)

func tutorialUserOf(u peer.User) tutorialUser {
	return tutorialUser{ID: u.ID, Profile: tutorialProfile{FirstName: u.FirstName, LastName: u.LastName}}
}

// tutorialAuthor stands in for one who is gone: clients read the profile of every author.
func tutorialAuthor(m chat.Message, authors map[string]peer.User) tutorialUser {
	if author, ok := authors[m.AuthorID]; ok {
		return tutorialUserOf(author)
	}
	return tutorialUser{ID: m.AuthorID, Profile: tutorialProfile{FirstName: "Unknown", LastName: "User"}}
}

func tutorialMessageOf(m chat.Message, authors map[string]peer.User) tutorialMessage {
	updated := m.CreatedAt
	for _, at := range []*chat.Time{m.EditedAt, m.DeletedAt} {
		if at != nil {
			updated = *at
		}
	}
	return tutorialMessage{
		ID: m.ID, ConversationID: m.ConversationID, Body: m.Body, Author: tutorialAuthor(m, authors),
		CreatedAt: m.CreatedAt, UpdatedAt: updated,
	}
}

func tutorialLineOf(m chat.Message, authors map[string]peer.User) tutorialLine {
	return tutorialLine{ID: m.ID, CreatedAt: m.CreatedAt, Body: m.Body, Author: tutorialAuthor(m, authors)}
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }
