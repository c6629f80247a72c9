package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	idleSockets    = 10_000
	idleSettle     = 20 * time.Second
	userSockets    = 50 // that a user may open
	openersAtOnce  = 16
	deliveriesEach = 100_000 // of each fan-out
	deliveryRate   = 10_000  // a second, so that neither side is ever behind
	deliveryWait   = time.Minute
)

// sockets measures what an idle socket holds and what a delivery costs.
func (b *bench) sockets(ctx context.Context) error {
	fmt.Printf("\n%-46s %12s %14s\n", "sockets", "sockets", "RSS each, KiB")
	for _, joined := range []bool{false, true} {
		for _, p := range []protocol{native, socketIO} {
			if err := b.withServer(ctx, func(c *confab) error { return c.idle(ctx, p, joined) }); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\n%-46s %12s %14s\n", "fan-out", "deliveries/s", "CPU each, µs")
	for _, shape := range [][2]int{{1, 1000}, {100, 20}} {
		for _, p := range []protocol{native, socketIO} {
			if err := b.withServer(ctx, func(c *confab) error { return c.fanOut(p, shape[0], shape[1]) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) withServer(ctx context.Context, measure func(*confab) error, flags ...string) error {
	c, err := start(ctx, b.binary, flags...)
	if err != nil {
		return err
	}
	return errors.Join(measure(c), c.stop())
}

// idle opens sockets that then do nothing, each in one conversation where joined.
func (c *confab) idle(ctx context.Context, p protocol, joined bool) error {
	users, err := c.register(idleSockets / userSockets)
	if err != nil {
		return err
	}
	rooms := make([][]string, len(users))
	name := string(p) + ", idle"
	if joined {
		name += ", in one of 200 conversations"
		if rooms, err = c.conversationsOf(users, len(users)); err != nil {
			return err
		}
	}
	if err := c.restart(ctx); err != nil {
		return err
	}
	before, err := c.rss()
	if err != nil {
		return err
	}
	var received atomic.Int64
	open := &opener{confab: c, protocol: p, received: &received}
	for i := range idleSockets {
		room := ""
		if joined {
			room = rooms[i/userSockets][0]
		}
		open.add(users[i/userSockets].token, room)
	}
	defer open.close()
	if err := open.all(); err != nil {
		return err
	}
	time.Sleep(idleSettle)
	after, err := c.rss()
	fmt.Printf("%-46s %12d %14.1f\n", name, idleSockets, float64(after-before)/idleSockets/1024)
	return err
}

// fanOut measures the process's CPU, all of it, while each message reaches all sockets of its room.
func (c *confab) fanOut(p protocol, rooms, each int) error {
	users, err := c.register(rooms * each) // each has one socket, in one room
	if err != nil {
		return err
	}
	var received atomic.Int64
	open := &opener{confab: c, protocol: p, received: &received}
	speakers := make([]speaker, rooms)
	for i := range speakers {
		if speakers[i], err = c.room(users[i*each : (i+1)*each]); err != nil {
			return err
		}
		for _, u := range users[i*each : (i+1)*each] {
			open.add(u.token, speakers[i].room)
		}
	}
	defer open.close()
	if err := open.all(); err != nil {
		return err
	}
	sends := deliveriesEach / each
	pace := time.NewTicker(time.Duration(each) * time.Second / deliveryRate)
	defer pace.Stop()
	before, err := c.cpu()
	if err != nil {
		return err
	}
	begin := time.Now()
	for i := range sends {
		<-pace.C
		if err := speakers[i%rooms].say(); err != nil {
			return err
		}
	}
	for sent := time.Now(); received.Load() < int64(sends*each); {
		if time.Since(sent) > deliveryWait {
			return fmt.Errorf("%d of %d messages came", received.Load(), sends*each)
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(begin)
	after, err := c.cpu()
	fmt.Printf("%-46s %12.0f %14.1f\n", fmt.Sprintf("%s, %d × %d sockets", p, rooms, each), float64(sends*each)/took.Seconds(),
		float64((after-before).Microseconds())/float64(sends*each))
	return err
}

// speaker is who sends to a room.
type speaker struct {
	*client
	room string
}

// room makes a conversation of the users, of whom the first is to speak.
func (c *confab) room(users []user) (speaker, error) {
	owner, err := c.dial(users[0].token) // until the process ends
	if err != nil {
		return speaker{}, err
	}
	others := make([]string, 0, len(users))
	for _, u := range users[1:] {
		others = append(others, u.id)
	}
	id, err := owner.group("Room", others...)
	return speaker{owner, id}, err
}

func (s speaker) say() error { return s.send(s.room) }

// rss returns the resident memory of the server, in bytes.
func (c *confab) rss() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(status))[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// cpu returns the processor time that the server has used, to 10 ms.
func (c *confab) cpu() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, err
}
