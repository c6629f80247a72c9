package checker

import (
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// History is all that one reader was handed of a conversation that it joined before the first message.
type History struct {
	ConversationID string
	Patient        bool // its reader is slow: what comes late to it is no news
	sights         []sight
}

// sight is an event, with its message as it was when the event was read: perhaps changed since.
type sight struct {
	chat.Event
	at time.Time
}

// See adds an event.
func (h *History) See(e chat.Event) { h.sights = append(h.sights, sight{e, time.Now()}) }

// Last is the rev of the last event; 0 before the first.
func (h *History) Last() int64 {
	if len(h.sights) == 0 {
		return 0
	}
	return h.sights[len(h.sights)-1].Rev
}

// Len is how many events there are.
func (h *History) Len() int { return len(h.sights) }

// wish is what somebody must have asked for, for this event to be.
func (s sight) wish() wish {
	switch {
	case s.Type == chat.MessageCreated:
		return wish{event: chat.MessageCreated, of: s.Message.ClientMsgID}
	case s.Type == chat.MessageDeleted || s.Message.DeletedAt != nil:
		return wish{event: chat.MessageDeleted, of: s.Message.ID}
	default:
		return wish{chat.MessageUpdated, s.Message.ID, s.Message.Body}
	}
}
