package client

import (
	"context"
	"errors"
	"net/http"

	"github.com/confab-chat/confab/pkg/chat"
)

// A room falls behind where events were left out: by the server, which says resync, or by this side, whose queue was full. Then its feed is
// read up to the target, and what comes live is held meanwhile. What is held is above the target, without a hole: once the feed has got there,
// the held events follow, and then those that come.

// fallBehind has a room's feed read after one rev, at least up to another. It returns nil where that is under way already.
func (s *Socket) fallBehind(r *room, after, target int64) *room {
	if r.behind {
		r.target = max(r.target, target)
		return nil
	}
	r.behind, r.feed, r.target = true, after, target
	s.stats.resyncs.Add(1)
	return r
}

// hold keeps a live event. Where too many are held the feed has to get further.
func (s *Socket) hold(r *room, e chat.Event) {
	if s.held < s.queue.limit {
		r.held = append(r.held, e)
		s.held++
		return
	}
	s.letGo(r)
	r.target = max(r.target, e.Rev)
}

// catchUp reads a room's feed until it is no longer behind.
func (s *Socket) catchUp(ctx context.Context, r *room) {
	stalled := 0
	for s.queue.waitForSpace(ctx) == nil {
		after, done := s.caughtUp(r)
		if done || stalled > 0 && sleep(ctx, jitter(stalled)) != nil {
			return
		}
		page, err := s.client.Feed(ctx, r.id, after, chat.MaxPage)
		refused, _ := errors.AsType[*Error](err)
		switch {
		case err == nil && !s.passAll(ctx, r, page):
			return
		case refused != nil && (refused.Status == http.StatusNotFound || refused.Status == http.StatusForbidden):
			s.refuseNow(r, refused)
			return
		}
		if stalled++; err == nil && page.Next > after {
			stalled = 0
		}
	}
}

// caughtUp lets live events through again where the feed has got to the target: the held ones first. It returns how far the feed was
// read, and whether the reader is done.
func (s *Socket) caughtUp(r *room) (after int64, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.has(r) || !r.behind:
		return 0, true
	case r.feed < r.target:
		return r.feed, false
	}
	for len(r.held) > 0 {
		e := r.held[0]
		if e.Rev > r.last && !s.queue.offer(item{r, e}) {
			return r.feed, false
		}
		r.pass(e.Rev)
		r.held = r.held[1:]
		s.held--
	}
	r.behind, r.held, r.floor = false, nil, r.feed
	if r.mustJoin && s.conn != nil {
		s.join(s.conn, r, false)
	}
	r.mustJoin = false
	return 0, true
}

// passAll passes on a page of the feed, as fast as the handlers take it; false where the room was left or the context has ended.
func (s *Socket) passAll(ctx context.Context, r *room, page Feed) bool {
	for _, e := range page.Items {
		for !s.passFed(r, e) {
			if s.queue.waitForSpace(ctx) != nil {
				return false
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.reach(page.Next)
	r.feed = max(r.feed, page.Next)
	return s.has(r)
}

// passFed passes on an event of the feed, unless it was before; false where the queue is full.
func (s *Socket) passFed(r *room, e chat.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.has(r) || e.Rev <= r.last && r.gapOf(e.Rev) < 0:
		return true
	case !s.queue.offer(item{r, e}):
		return false
	}
	return r.pass(e.Rev)
}

func (s *Socket) refuseNow(r *room, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.has(r) {
		s.refuse(r, err)
	}
}
