package checker

import (
	"encoding/json"

	"github.com/confab-chat/confab/pkg/chat"
)

// Trail follows one conversation on the raw frames of one reader, over all its connections. Every member here sees all history, so revs
// have no holes: on each connection the first event follows the last one of the connection before, and each the one before it.
type Trail struct {
	conversation string
	last         int64
	known        bool // last holds: not before the first join is answered, nor between a resync and the next one
	seen         map[int64]bool

	Lost      int64 // revs that were left out, without a resync, and frames that cannot be read
	Doubled   int64
	Reordered int64
	Resyncs   int64
}

// frame is as much of a frame as a trail looks at.
type frame struct {
	Type           string    `json:"type"`
	ConversationID string    `json:"conversation_id"`
	Rev            int64     `json:"rev"`
	Joined         *position `json:"joined"`
}

type position struct {
	ConversationID string `json:"conversation_id"`
	Rev            int64  `json:"rev"`
}

// NewTrail returns a trail before the first frame.
func NewTrail(conversation string) *Trail {
	return &Trail{conversation: conversation, seen: map[int64]bool{}}
}

// Hear takes the next frame.
func (t *Trail) Hear(data []byte) {
	var f frame
	if json.Unmarshal(data, &f) != nil {
		t.Lost++
		return
	}
	t.hear(f)
}

func (t *Trail) hear(f frame) {
	switch {
	case f.Joined != nil && f.Joined.ConversationID == t.conversation:
		t.joined(f.Joined.Rev)
	case f.ConversationID != t.conversation:
	case f.Type == chat.Resync:
		t.Resyncs++
		t.known = false
	case f.Type == chat.MessageCreated || f.Type == chat.MessageUpdated || f.Type == chat.MessageDeleted:
		t.event(f.Rev)
	}
}

// joined stands behind all events up to its rev.
func (t *Trail) joined(rev int64) {
	if t.known && rev > t.last {
		t.Lost += rev - t.last
	}
	t.known, t.last = true, max(t.last, rev)
}

func (t *Trail) event(rev int64) {
	switch {
	case t.seen[rev]:
		t.Doubled++
	case t.known && rev <= t.last:
		t.Reordered++
	case t.known && rev > t.last+1:
		t.Lost += rev - t.last - 1
	}
	t.seen[rev] = true
	t.last = max(t.last, rev)
}
