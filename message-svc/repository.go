package message

import (
	"context"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

// Repository stores the messages of all conversations. messagetest.RunRepository holds what it promises, to many handles on
// one store:
//
//   - A conversation's writes are numbered n = 1, 2, 3 … and its messages seq = 1, 2, 3 …, both without holes. A number is
//     taken by an insert, so one that was used is never used again.
//   - Whoever can read n+1 can read n, though a scan that was under way may see n+1 and not n: readers cut a page at a hole.
//   - Append returns when its writes are on disk (on a replica set: on a majority's). A change is applied to its message
//     before Append returns, before a later write of the conversation, and before a reader is given its event.
//   - Drafts with one (conversation, author, client_msg_id) are one write: the first one stored, whoever stored it.
//
// Errors other than errNoMessage say that the store cannot be reached or that its answer makes no sense.
type Repository interface {
	// Append stores drafts of different keys in their order and returns the outcome of each.
	Append(ctx context.Context, conversationID string, drafts []Draft) []Outcome
	// Get returns a message. It returns errNoMessage where there is none.
	Get(ctx context.Context, messageID string) (chat.Message, error)
	// Before returns messages with afterSeq < seq < beforeSeq, newest first. A beforeSeq of zero is above all.
	Before(ctx context.Context, conversationID string, beforeSeq, afterSeq int64, limit int) ([]chat.Message, error)
	// After returns messages with seq > afterSeq, oldest first.
	After(ctx context.Context, conversationID string, afterSeq int64, limit int) ([]chat.Message, error)
	// Feed returns events with n > afterRev in their order, their messages as they are now.
	Feed(ctx context.Context, conversationID string, afterRev int64, limit int) ([]chat.Event, error)
	// Last returns where the conversation stands; the zero Last where it has no message.
	Last(ctx context.Context, conversationID string) (peer.Last, error)
	// Ping returns an error where the store cannot be reached.
	Ping(ctx context.Context) error
	Close() error
}
