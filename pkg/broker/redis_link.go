package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/pause"
)

// link is one connection of a subscription to one server. It lives once: when it fails, its channels are placed on a new one.
type link struct {
	subscription *redisSubscription
	node         *redis.Options
	wake         chan struct{}         // holds a token while there are commands to send
	unsettled    map[*channel]struct{} // guarded by the subscription's lock: those that may need a command
	probe        string                // a channel of its own
	heard        atomic.Int64          // the number of the last probe that came back
}

func newLink(s *redisSubscription, node *redis.Options) *link {
	return &link{subscription: s, node: node, wake: make(chan struct{}, 1), unsettled: map[*channel]struct{}{}}
}

// run ends when the connection does, or with ctx.
func (l *link) run(ctx context.Context) {
	troubles := &l.subscription.redis.troubles
	if pause.For(ctx, troubles.pause(l.node.Addr)) {
		if err := l.serve(ctx); ctx.Err() == nil { // else the subscription was closed
			troubles.add(ctx, l.node.Addr, err)
		}
	}
	l.subscription.drop(l) // whatever it was: the channels are placed again, and the receiver is told
}

// serve returns why the connection ended.
func (l *link) serve(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	conn, err := l.node.Dialer(ctx, l.node.Network, l.node.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	reader := bufio.NewReaderSize(conn, 64<<10)
	if err := l.greet(ctx, conn, reader); err != nil {
		return err
	}
	go func() { end(l.write(ctx, conn)) }()
	go func() { end(l.listenForProbes(ctx)) }()
	end(l.read(reader)) // the first end counts: the others only follow from it
	return context.Cause(ctx)
}

// greet authenticates and subscribes to the probe's channel. A Redis that says nothing is given up as after a probe.
func (l *link) greet(ctx context.Context, conn net.Conn, reader *bufio.Reader) error {
	if err := l.chooseProbe(ctx); err != nil {
		return err
	}
	var b []byte
	expected := 1
	switch {
	case l.node.Username != "":
		b = appendCommand(b, "AUTH", l.node.Username, l.node.Password)
		expected++
	case l.node.Password != "":
		b = appendCommand(b, "AUTH", l.node.Password)
		expected++
	}
	b = appendCommand(b, l.subscription.redis.verbs.subscribe, l.probe)
	if err := conn.SetDeadline(time.Now().Add(l.subscription.redis.probeEvery)); err != nil {
		return err
	}
	if _, err := conn.Write(b); err != nil {
		return err
	}
	for range expected {
		if _, err := readReply(reader); err != nil {
			return err
		}
	}
	return conn.SetDeadline(time.Time{})
}

// probeTries finds a channel of a node that has a thousandth of the slots.
const probeTries = 10_000

// chooseProbe picks a channel that the node has.
func (l *link) chooseProbe(ctx context.Context) error {
	for range probeTries {
		l.probe = "confab:probe:" + id.New()
		node, err := l.subscription.redis.node(ctx, l.probe)
		if err != nil {
			return err
		}
		if node.Addr == l.node.Addr {
			return nil
		}
	}
	return fmt.Errorf("%s has hardly a slot", l.node.Addr)
}

// write sends the commands as they come up. A Redis that does not read holds it up, until the probe fails.
func (l *link) write(ctx context.Context, conn net.Conn) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		}
		if _, err := conn.Write(l.subscription.commands(l)); err != nil {
			return err
		}
	}
}

// listenForProbes publishes a probe every now and then, as everybody publishes, and returns where one does not come back in time: on a
// connection that has died without a word nothing else would ever fail.
func (l *link) listenForProbes(ctx context.Context) error {
	if guard.Off(guard.Probe) {
		<-ctx.Done()
	}
	r := l.subscription.redis
	wait := r.probeEvery * 3 / 5
	for n := int64(1); ctx.Err() == nil; n++ {
		bounded, cancel := context.WithTimeout(ctx, wait)
		err := r.Publish(bounded, l.probe, strconv.AppendInt(nil, n, 10))
		<-bounded.Done()
		cancel()
		switch {
		case ctx.Err() != nil: // the link has ended, however good the probe was
		case l.heard.Load() == n:
			if n == 1 { // what comes up later is another link's
				r.troubles.over(ctx, l.node.Addr)
			}
		case err != nil:
			if errors.Is(err, context.DeadlineExceeded) {
				r.timeouts.Inc()
			}
			return fmt.Errorf("probe not published: %w", err)
		default:
			r.timeouts.Inc()
			return errors.New("what is published does not arrive")
		}
		pause.For(ctx, r.probeEvery-wait)
	}
	return nil
}

// read handles what comes until the connection ends.
func (l *link) read(reader *bufio.Reader) error {
	for {
		reply, err := readReply(reader)
		if err == nil {
			err = l.handle(reply)
		} else if slot, ok := movedSlot(err); ok {
			l.subscription.moved(l, slot)
			continue
		}
		if err != nil {
			return err
		}
	}
}

func (l *link) handle(reply [][]byte) error {
	if len(reply) != 3 {
		return errProtocol
	}
	kind, name := string(reply[0]), string(reply[1])
	switch {
	case kind == l.subscription.redis.verbs.message && name == l.probe:
		n, err := strconv.ParseInt(string(reply[2]), 10, 64)
		l.heard.Store(n)
		return err
	case kind == l.subscription.redis.verbs.message:
		l.subscription.deliver(name, reply[2])
	case name == l.probe:
		return errors.New("the slot of the probe has left the node")
	default:
		l.subscription.confirmed(l, kind, name)
	}
	return nil
}
