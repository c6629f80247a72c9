package chaos

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/confab-chat/confab/e2e/checker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

const (
	arrivalPoll = 10 * time.Millisecond
	inboxPoll   = 500 * time.Millisecond
	inboxWait   = 40 * time.Second // for heads that were lost to be repaired: the slowest is a walk
)

// settle waits until every reader has the last change that was acknowledged, and sends none. It returns how long that took, and false where
// some reader never got it.
func (c *crew) settle() (time.Duration, bool) {
	begin := time.Now()
	for _, r := range c.all() {
		last := c.promises.LastRev(r.history.ConversationID)
		for !r.reached(last) {
			if time.Since(begin) > arrivalWait {
				return time.Since(begin), false
			}
			time.Sleep(arrivalPoll)
		}
	}
	return time.Since(begin), true
}

func (c *crew) all() []*reader {
	all := slices.Clone(c.readers)
	for _, s := range c.slow {
		all = append(all, s.reader)
	}
	return all
}

// judge adds what all readers saw to the verdict, and what the store has of the quiet rooms.
func (c *crew) judge(ctx context.Context, v *checker.Verdict) error {
	var histories []checker.History
	for _, room := range c.quiet {
		stored, err := c.stored(ctx, room)
		if err != nil {
			return err
		}
		histories = append(histories, stored)
	}
	for _, r := range c.all() {
		r.mu.Lock()
		var stats client.Stats
		if r.socket != nil {
			stats = r.socket.Stats()
		}
		v.Add(r.trail, stats.Duplicates, stats.OutOfOrder)
		histories = append(histories, r.history)
		r.mu.Unlock()
	}
	v.Judge(&c.promises, histories)
	return nil
}

// stored reads a room's feed.
func (c *crew) stored(ctx context.Context, room string) (checker.History, error) {
	h := checker.History{ConversationID: room, Patient: true}
	for {
		page, err := c.users[0].Feed(ctx, room, h.Last(), chat.MaxPage)
		if err != nil || len(page.Items) == 0 {
			return h, err
		}
		for _, e := range page.Items {
			h.See(e)
		}
	}
}

// rejoins are the times from each close of a reader's socket to its next join.
func (c *crew) rejoins() []time.Duration {
	var all []time.Duration
	for _, r := range c.readers {
		r.mu.Lock()
		all = append(all, r.rejoins...)
		r.mu.Unlock()
	}
	return all
}

// inboxes waits until each user's inbox shows of each room what it must, and returns what is wrong in the end.
func (c *crew) inboxes(ctx context.Context) (wrong []wrongLine, err error) {
	for begin := time.Now(); ; time.Sleep(inboxPoll) {
		if wrong, err = c.wrongInboxes(ctx, slices.Concat(c.quiet, c.rooms)); err != nil || len(wrong) == 0 || time.Since(begin) > inboxWait {
			return wrong, err
		}
	}
}

// wrongLine is a line of an inbox that does not say what it must.
type wrongLine struct{ room, what string }

func (c *crew) wrongInboxes(ctx context.Context, rooms []string) ([]wrongLine, error) {
	var wrong []wrongLine
	for i, u := range c.users {
		page, err := u.Inbox(ctx, client.Page{Limit: chat.MaxPage})
		if err != nil {
			return nil, fmt.Errorf("an inbox cannot be read: %w", err)
		}
		lines := map[string]line{}
		for _, room := range page.Items {
			lines[room.ID] = lineOf(room)
		}
		for _, room := range rooms {
			last, unread := c.promises.Inbox(room, c.userIDs[i])
			if got, want := lines[room], (line{true, last, unread}); got != want {
				wrong = append(wrong, wrongLine{room, fmt.Sprintf("user %d has %+v of %s, want %+v", i, got, room, want)})
			}
		}
	}
	return wrong, nil
}

// line is what an inbox says of a room; the zero line: nothing.
type line struct {
	There        bool
	Last, Unread int64 // Last: seq
}

func lineOf(c client.Conversation) line {
	l := line{There: true, Unread: c.Unread}
	if c.LastMessage != nil {
		l.Last = c.LastMessage.Seq
	}
	return l
}
