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

// judge adds what all readers saw to the verdict.
func (c *crew) judge(v *checker.Verdict) {
	var histories []checker.History
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
func (c *crew) inboxes(ctx context.Context) (wrong []string, err error) {
	for begin := time.Now(); ; time.Sleep(inboxPoll) {
		if wrong, err = c.wrongInboxes(ctx, slices.Concat(c.rooms, c.quiet)); err != nil || len(wrong) == 0 || time.Since(begin) > inboxWait {
			return wrong, err
		}
	}
}

func (c *crew) wrongInboxes(ctx context.Context, rooms []string) ([]string, error) {
	var wrong []string
	for i, u := range c.users {
		page, err := u.Inbox(ctx, client.Page{Limit: chat.MaxPage})
		if err != nil {
			return nil, fmt.Errorf("an inbox cannot be read: %w", err)
		}
		for _, room := range page.Items {
			if !slices.Contains(rooms, room.ID) {
				continue
			}
			last, unread := c.promises.Inbox(room.ID, c.userIDs[i])
			if head := headSeq(room); head != last || room.Unread != unread {
				wrong = append(wrong, fmt.Sprintf("user %d sees seq %d and %d unread of %s, want %d and %d", i, head, room.Unread, room.ID, last, unread))
			}
		}
	}
	return wrong, nil
}

func headSeq(c client.Conversation) int64 {
	if c.LastMessage == nil {
		return 0
	}
	return c.LastMessage.Seq
}
