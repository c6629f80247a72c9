package message

import (
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

// raise gathers what a conversation's head is to be told.
type raise struct {
	conversationID string
	from           int64 // the first message created; 0 where only changes are known
	newest         peer.Head
	authors        map[string]int64 // each author's last seq in the range
	more           bool             // the range was cut: messages above it are read from the store next
}

func newRaise(conversationID string) *raise {
	return &raise{conversationID: conversationID, authors: map[string]int64{}}
}

func (w *raise) created(m chat.Message) {
	if w.from == 0 || m.Seq < w.from {
		w.from = m.Seq
	}
	w.authors[m.AuthorID] = max(w.authors[m.AuthorID], m.Seq)
	w.changed(peer.HeadOf(m))
}

func (w *raise) changed(h peer.Head) {
	if h.Seq > w.newest.Seq || h.Seq == w.newest.Seq && h.Rev > w.newest.Rev {
		w.newest = h
	}
}

// merge takes in another raise of the same conversation.
func (w *raise) merge(other *raise) {
	if w.from == 0 || other.from != 0 && other.from < w.from {
		w.from = other.from
	}
	for author, seq := range other.authors {
		w.authors[author] = max(w.authors[author], seq)
	}
	w.changed(other.newest)
}

// request is the raise as conversation-svc takes it. Changes alone make an empty range behind the newest message.
func (w *raise) request() peer.Raise {
	r := peer.Raise{ConversationID: w.conversationID, FromSeq: w.from, Newest: w.newest, Authors: w.authors}
	if w.from == 0 {
		r.FromSeq = w.newest.Seq + 1
	}
	return r
}
