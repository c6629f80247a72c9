package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
	"github.com/confab-chat/confab/pkg/id"
)

type sender func(context.Context, client.Draft) (chat.Message, error)

// send sends one message, and notes what it was promised.
func (c *crew) send(ctx context.Context, room string, overHTTP bool, send sender) {
	ctx, cancel := context.WithTimeout(ctx, sendWait)
	defer cancel()
	d := client.Draft{ConversationID: room, Body: "Is anybody there?", ClientMsgID: id.New()}
	begin := time.Now()
	c.mu.Lock()
	c.asked[d.ClientMsgID] = begin
	c.mu.Unlock()
	m, err := send(ctx, d)
	if err != nil {
		c.fail(fmt.Errorf("a send failed: %w", err))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acks = append(c.acks, ack{room, m.ID, d.ClientMsgID, m.Rev, begin, time.Now()})
	if overHTTP {
		c.waits = append(c.waits, time.Since(begin))
	}
}

// settle sends a last message to each room and waits until every reader has it. It returns how long that took, and false where some reader
// never got it.
func (c *crew) settle(ctx context.Context) (time.Duration, bool) {
	begin := time.Now()
	for _, room := range c.rooms {
		c.send(ctx, room, false, c.users[0].Send)
	}
	c.mu.Lock()
	last := map[string]int64{}
	for _, a := range c.acks {
		last[a.conversation] = max(last[a.conversation], a.rev)
	}
	c.mu.Unlock()
	for _, r := range c.readers {
		for !r.reached(last[r.conversation]) {
			if time.Since(begin) > arrivalWait {
				return time.Since(begin), false
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return time.Since(begin), true
}

// judge adds what all readers saw to the verdict.
func (c *crew) judge(v *Verdict) {
	var histories []history
	for _, r := range c.readers {
		histories = append(histories, r.report(v))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v.judge(c.acks, c.asked, histories)
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
