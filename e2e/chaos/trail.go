package chaos

import "github.com/confab-chat/confab/pkg/chat"

// trail follows one conversation on the raw frames of one reader, over all its connections. Every member here sees all history, so revs
// have no holes: on each connection the first event follows the last one of the connection before, and each the one before it.
type trail struct {
	conversation string
	last         int64
	known        bool // last holds: not before the first join is answered, nor between a resync and the next one
	seen         map[int64]bool

	events    int64 // frames that bore one
	lost      int64 // revs that were left out, without a resync
	doubled   int64
	reordered int64
	resyncs   int64
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

func newTrail(conversation string) *trail {
	return &trail{conversation: conversation, seen: map[int64]bool{}}
}

func (t *trail) hear(f frame) {
	switch {
	case f.Joined != nil && f.Joined.ConversationID == t.conversation:
		t.joined(f.Joined.Rev)
	case f.ConversationID != t.conversation:
	case f.Type == chat.Resync:
		t.resyncs++
		t.known = false
	case f.Type == chat.MessageCreated || f.Type == chat.MessageUpdated || f.Type == chat.MessageDeleted:
		t.event(f.Rev)
	}
}

// joined stands behind all events up to its rev.
func (t *trail) joined(rev int64) {
	if t.known && rev > t.last {
		t.lost += rev - t.last
	}
	t.known, t.last = true, max(t.last, rev)
}

func (t *trail) event(rev int64) {
	t.events++
	switch {
	case t.seen[rev]:
		t.doubled++
	case t.known && rev <= t.last:
		t.reordered++
	case t.known && rev > t.last+1:
		t.lost += rev - t.last - 1
	}
	t.seen[rev] = true
	t.last = max(t.last, rev)
}
