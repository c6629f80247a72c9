package conversation

import (
	"context"
	"fmt"
	"maps"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/peer"
)

// RaiseHeads also makes a hint for the inboxes of each conversation whose head moved.
func (s *service) RaiseHeads(ctx context.Context, r peer.RaiseHeadsRequest) (peer.RaisedHeads, error) {
	if err := checkRaises(r.Raises); err != nil {
		return peer.RaisedHeads{}, err
	}
	raised, err := s.repo.RaiseHeads(ctx, r.Raises)
	if err != nil {
		return peer.RaisedHeads{}, err
	}
	answer := peer.RaisedHeads{Items: make([]peer.RaisedHead, len(raised))}
	for i, head := range raised {
		answer.Items[i] = head.RaisedHead
		if head.Moved {
			newest := r.Raises[i].Newest
			s.hints.touch(r.Raises[i].ConversationID, newest.Seq, newest.Rev)
		}
	}
	return answer, nil
}

func checkRaises(raises []peer.Raise) error {
	if len(raises) == 0 || len(raises) > chat.MaxBatch {
		return fault.BadField("raises", fmt.Sprintf("Give 1 to %d raises.", chat.MaxBatch))
	}
	for i := range raises {
		r := &raises[i]
		err := check.All(
			check.ID("conversation_id", r.ConversationID), check.ID("newest.author_id", r.Newest.AuthorID),
			check.Seq("from_seq", r.FromSeq), check.Seq("newest.seq", r.Newest.Seq), check.Seq("newest.rev", r.Newest.Rev))
		if err != nil {
			return err
		}
	}
	return nil
}

// authorsOf returns each author's last seq, that of the newest message included where it may be new.
func authorsOf(r *peer.Raise) map[string]int64 {
	if r.Newest.Seq < r.FromSeq {
		return r.Authors
	}
	authors := maps.Clone(r.Authors)
	if authors == nil {
		authors = map[string]int64{}
	}
	authors[r.Newest.AuthorID] = max(authors[r.Newest.AuthorID], r.Newest.Seq)
	return authors
}
