package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	smallMessages      = 1000
	smallConversations = 50
	reads              = 50 // of each page; the median is shown
	pageLen            = 50
	settle             = 3 * time.Second // for the heads and hints that the filling left behind
)

// reads measures pages of history and inbox in a large store against the same pages in a small one.
func (b *bench) reads(ctx context.Context) error {
	small, err := b.readAll(ctx, smallMessages, smallConversations)
	if err != nil {
		return err
	}
	large, err := b.readAll(ctx, b.messages, b.conversations)
	if err != nil {
		return err
	}
	fmt.Printf("\n%-34s %12s %12s %9s\n", fmt.Sprintf("pages of 50, medians of %d", reads),
		fmt.Sprintf("at %d/%d", smallMessages, smallConversations), fmt.Sprintf("at %d/%d", b.messages, b.conversations), "ratio")
	for _, name := range pageNames {
		fmt.Printf("%-34s %12v %12v %9.2f\n", name, small[name], large[name], float64(large[name])/float64(small[name]))
	}
	return nil
}

var pageNames = []string{
	"one long: first page", "one long: middle page", "one long: last page",
	"many: first page", "many: middle page", "many: last page",
	"inbox: first page", "inbox: tenth page",
}

// readAll fills a server with one conversation of so many messages, and with so many conversations that share as many, then reads.
func (b *bench) readAll(ctx context.Context, messages, conversations int) (map[string]time.Duration, error) {
	c, err := start(ctx, b.binary)
	if err != nil {
		return nil, err
	}
	medians, err := c.fillAndRead(messages, conversations)
	return medians, errors.Join(err, c.stop())
}

func (c *confab) fillAndRead(messages, conversations int) (map[string]time.Duration, error) {
	users, err := c.register(clients)
	if err != nil {
		return nil, err
	}
	long, err := c.conversationsOf(users, 1)
	if err != nil {
		return nil, err
	}
	many, err := c.groups(users, conversations-1) // the long one is in the reader's inbox too
	if err != nil {
		return nil, err
	}
	each := max(messages/conversations, 2*pageLen)
	err = errors.Join(
		c.fill(users, messages, func(int) string { return long[0][0] }),
		c.fill(users[:2], each*len(many), func(i int) string { return many[i%len(many)] }),
	)
	if err != nil {
		return nil, err
	}
	time.Sleep(settle)
	reader, err := c.dial(users[0].token)
	if err != nil {
		return nil, err
	}
	defer reader.conn.Close()
	return reader.measure(long[0][0], messages, many, each)
}

// groups makes n conversations of the first two users.
func (c *confab) groups(users []user, n int) ([]string, error) {
	owner, err := c.dial(users[0].token)
	if err != nil {
		return nil, err
	}
	defer owner.conn.Close()
	groups := make([]string, n)
	for i := range groups {
		if groups[i], err = owner.group(fmt.Sprint("Group ", i), users[1].id); err != nil {
			return nil, err
		}
	}
	return groups, nil
}

// fill sends n messages, the i-th to pick(i).
func (c *confab) fill(users []user, n int, pick func(i int) string) error {
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, clients)
	for i := range clients {
		group.Go(func() {
			sender, err := c.dial(users[i%len(users)].token)
			for m := int(next.Add(1)) - 1; err == nil && m < n; m = int(next.Add(1)) - 1 {
				err = sender.send(pick(m))
			}
			errs[i] = err
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func (c *client) measure(long string, messages int, many []string, each int) (map[string]time.Duration, error) {
	medians := map[string]time.Duration{}
	history := func(conversation string, before int) string {
		path := "/v1/messages?limit=50&conversation_id=" + conversation
		if before > 0 {
			path += "&before_seq=" + strconv.Itoa(before)
		}
		return path
	}
	for name, before := range map[string]int{"first": 0, "middle": messages / 2, "last": pageLen + 1} {
		if err := c.median(medians, "one long: "+name+" page", func(int) string { return history(long, before) }); err != nil {
			return nil, err
		}
	}
	for name, before := range map[string]int{"first": 0, "middle": each / 2, "last": pageLen + 1} {
		pick := func(i int) string { return history(many[i*len(many)/reads], before) }
		if err := c.median(medians, "many: "+name+" page", pick); err != nil {
			return nil, err
		}
	}
	return medians, c.inbox(medians)
}

func (c *client) inbox(medians map[string]time.Duration) error {
	path := "/v1/conversations?limit=50"
	if err := c.median(medians, "inbox: first page", func(int) string { return path }); err != nil {
		return err
	}
	deep := path // of the small store the first page, which is its only one
	for range 9 {
		var page struct {
			Next    *string `json:"next"`
			HasMore bool    `json:"has_more"`
		}
		if err := c.get("GET", deep, nil, &page); err != nil {
			return err
		}
		if !page.HasMore {
			break
		}
		deep = path + "&cursor=" + *page.Next
	}
	return c.median(medians, "inbox: tenth page", func(int) string { return deep })
}

func (c *client) median(medians map[string]time.Duration, name string, path func(i int) string) error {
	taken := make([]time.Duration, reads)
	for i := range taken {
		begin := time.Now()
		if err := c.do("GET", path(i), nil); err != nil {
			return err
		}
		taken[i] = time.Since(begin)
	}
	slices.Sort(taken)
	medians[name] = taken[reads/2].Round(time.Microsecond)
	return nil
}
