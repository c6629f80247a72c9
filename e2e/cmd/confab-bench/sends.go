package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	clients           = 64
	coldConversations = 1000
)

// sends measures acknowledged sends: each client waits for its 201 before it sends the next one.
func (b *bench) sends(ctx context.Context) error {
	c, err := start(ctx, b.binary)
	if err != nil {
		return err
	}
	users, err := c.register(clients)
	if err != nil {
		return errors.Join(err, c.stop())
	}
	fmt.Printf("%-34s %12s %9s %9s %9s\n", "64 clients, one process, fsynced", "acked/s", "p50", "p99", "max")
	for _, conversations := range []int{1, coldConversations} {
		if err := b.sendTo(c, users, conversations); err != nil {
			return errors.Join(err, c.stop())
		}
	}
	return c.stop()
}

func (b *bench) sendTo(c *confab, users []user, conversations int) error {
	reached, err := c.conversationsOf(users, conversations)
	if err != nil {
		return err
	}
	latencies, took, err := c.load(users, func(i int) string { return reached[i][rand.N(len(reached[i]))] }, b.duration)
	if err != nil {
		return err
	}
	slices.Sort(latencies)
	at := func(q float64) time.Duration {
		return latencies[int(q*float64(len(latencies)-1))].Round(10 * time.Microsecond)
	}
	name := "one hot conversation"
	if conversations > 1 {
		name = fmt.Sprint(conversations, " cold conversations")
	}
	fmt.Printf("%-34s %12.0f %9v %9v %9v\n", name, float64(len(latencies))/took.Seconds(), at(.5), at(.99), at(1))
	return nil
}

// conversationsOf makes n conversations and returns, by user, those she is in: all are in the only one, two in each of many.
func (c *confab) conversationsOf(users []user, n int) ([][]string, error) {
	reached := make([][]string, len(users))
	for i := range n {
		first := i % len(users)
		others := []int{(first + 1 + i/len(users)) % len(users)}
		if n == 1 {
			others = nil
			for other := 1; other < len(users); other++ {
				others = append(others, other)
			}
		}
		var ids []string
		for _, other := range others {
			ids = append(ids, users[other].id)
		}
		owner, err := c.dial(users[first].token)
		if err != nil {
			return nil, err
		}
		conversation, err := owner.group(fmt.Sprint("Group ", i), ids...)
		if err := errors.Join(err, owner.conn.Close()); err != nil {
			return nil, err
		}
		for _, member := range append(others, first) {
			reached[member] = append(reached[member], conversation)
		}
	}
	return reached, nil
}

// load has every user send to what pick says until the time is over. It returns the latency of each acknowledged send.
func (c *confab) load(users []user, pick func(user int) string, duration time.Duration) ([]time.Duration, time.Duration, error) {
	var mu sync.Mutex
	var all []time.Duration
	var errs []error
	var group sync.WaitGroup
	begin := time.Now()
	for i, u := range users {
		group.Go(func() {
			mine, err := c.sendUntil(begin.Add(duration), u.token, func() string { return pick(i) })
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			errs = append(errs, err)
		})
	}
	group.Wait()
	return all, time.Since(begin), errors.Join(errs...)
}

func (c *confab) sendUntil(end time.Time, token string, pick func() string) ([]time.Duration, error) {
	sender, err := c.dial(token)
	if err != nil {
		return nil, err
	}
	defer sender.conn.Close()
	var latencies []time.Duration
	for {
		begin := time.Now()
		if begin.After(end) {
			return latencies, nil
		}
		if err := sender.send(pick()); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(begin))
	}
}
