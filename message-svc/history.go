package message

import (
	"context"
	"sync"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

func (s *service) List(ctx context.Context, r ListRequest) (Page, error) {
	limit, err := checkList(r)
	if err != nil {
		return Page{}, err
	}
	standing, err := s.members.require(ctx, r.ConversationID, identity.UserID(ctx))
	if err != nil {
		return Page{}, err
	}
	switch {
	case r.AfterRev != nil:
		return s.feedPage(ctx, r.ConversationID, *r.AfterRev, standing.FromSeq, limit)
	case r.AfterSeq != nil:
		return s.pageAfter(ctx, r.ConversationID, max(*r.AfterSeq, standing.FromSeq), limit)
	case r.BeforeSeq != nil:
		return s.pageBefore(ctx, r.ConversationID, *r.BeforeSeq, standing.FromSeq, limit)
	default:
		return s.pageBefore(ctx, r.ConversationID, 0, standing.FromSeq, limit)
	}
}

func checkList(r ListRequest) (limit int, err error) {
	given := 0
	for field, position := range map[string]*int64{"before_seq": r.BeforeSeq, "after_seq": r.AfterSeq, "after_rev": r.AfterRev} {
		if position == nil {
			continue
		}
		given++
		if err := check.Seq(field, *position); err != nil {
			return 0, err
		}
	}
	switch {
	case given > 1:
		return 0, fault.New(fault.Invalid, "too_many_positions", "Give one of before_seq, after_seq and after_rev.")
	case r.BeforeSeq != nil && *r.BeforeSeq == 0:
		return 0, fault.BadField("before_seq", "The first message has seq 1.")
	}
	limit, err = check.Limit(r.Limit)
	return limit, check.All(check.ID("conversation_id", r.ConversationID), err)
}

func (s *service) pageBefore(ctx context.Context, conversationID string, before, from int64, limit int) (Page, error) {
	messages, err := s.repo.Before(ctx, conversationID, before, from, limit+1)
	if err != nil {
		return Page{}, err
	}
	if before == 0 && len(messages) > 0 {
		s.raiser.seen(messages[0])
	}
	page := Page{HasMore: len(messages) > limit}
	messages = messages[:min(len(messages), limit)]
	if page.HasMore {
		page.Next = &messages[limit-1].Seq
	}
	page.Items = messages
	return page, nil
}

func (s *service) pageAfter(ctx context.Context, conversationID string, after int64, limit int) (Page, error) {
	messages, err := s.repo.After(ctx, conversationID, after, limit+1)
	if err != nil {
		return Page{}, err
	}
	dense := len(messages)
	for i, m := range messages {
		if m.Seq != after+int64(i)+1 { // see Repository: cut at a hole, the rest comes with the next page
			dense = i
			break
		}
	}
	kept := messages[:min(dense, limit)]
	next := after + int64(len(kept))
	return Page{Items: kept, Next: &next, HasMore: len(messages) > len(kept)}, nil
}

// feedPage passes over events of messages that the member may not see; Next counts them.
func (s *service) feedPage(ctx context.Context, conversationID string, after, from int64, limit int) (Page, error) {
	feed, err := s.feed(ctx, conversationID, after, limit)
	if err != nil {
		return Page{}, err
	}
	next := after + int64(len(feed.Items))
	visible := make([]chat.Event, 0, len(feed.Items))
	for _, e := range feed.Items {
		if e.Message.Seq > from {
			visible = append(visible, e)
		}
	}
	return Page{Items: visible, Next: &next, HasMore: feed.HasMore}, nil
}

func (s *service) feed(ctx context.Context, conversationID string, after int64, limit int) (peer.Feed, error) {
	events, err := s.repo.Feed(ctx, conversationID, after, limit+1)
	if err != nil {
		return peer.Feed{}, err
	}
	dense := len(events)
	for i, e := range events {
		if e.Rev != after+int64(i)+1 { // see Repository: cut at a hole, the rest comes with the next page
			dense = i
			break
		}
	}
	kept := events[:min(dense, limit)]
	return peer.Feed{Items: kept, HasMore: len(events) > len(kept)}, nil
}

func (s *service) Feed(ctx context.Context, r peer.FeedRequest) (peer.Feed, error) {
	limit, err := check.Limit(r.Limit)
	if err := check.All(err, check.ID("conversation_id", r.ConversationID), check.Seq("after_rev", r.AfterRev)); err != nil {
		return peer.Feed{}, err
	}
	return s.feed(ctx, r.ConversationID, r.AfterRev, limit)
}

func (s *service) Newest(ctx context.Context, r peer.NewestRequest) (peer.NewestMessages, error) {
	if err := check.All(check.ID("conversation_id", r.ConversationID), check.Seq("after_seq", r.AfterSeq)); err != nil {
		return peer.NewestMessages{}, err
	}
	if r.Limit < 1 || r.Limit > chat.MaxBatch {
		return peer.NewestMessages{}, fault.BadField("limit", "The limit is out of range.")
	}
	messages, err := s.repo.Before(ctx, r.ConversationID, 0, r.AfterSeq, r.Limit)
	return peer.NewestMessages{Items: messages}, err
}

// lastAtOnce bounds the look-ups of one batch that are under way together.
const lastAtOnce = 8

func (s *service) Last(ctx context.Context, r peer.LastRequest) (peer.Lasts, error) {
	if err := check.IDs("conversation_ids", r.ConversationIDs, chat.MaxBatch); err != nil {
		return peer.Lasts{}, err
	}
	lasts := make([]peer.Last, len(r.ConversationIDs))
	errs := make([]error, len(r.ConversationIDs))
	var group sync.WaitGroup
	turn := make(chan struct{}, lastAtOnce)
	for i, conversationID := range r.ConversationIDs {
		turn <- struct{}{}
		group.Go(func() {
			lasts[i], errs[i] = s.repo.Last(ctx, conversationID)
			<-turn
		})
	}
	group.Wait()
	return peer.Lasts{Items: lasts}, check.All(errs...)
}
