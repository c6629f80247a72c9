package broker

import (
	"context"
	"sync"
)

// redisSubscription keeps what Redis sends in step with what is wanted. Add and Remove only say what is wanted. One goroutine, place,
// gives each channel to the link to the server that has it; the link's goroutines subscribe to it. What a link loses is placed anew.
type redisSubscription struct {
	*queue
	redis    *Redis
	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	starting sync.Once
	wake     chan struct{} // holds a token while channels wait for their place

	mu       sync.Mutex
	channels map[string]*channel // wanted, or not known to be unsubscribed yet
	unplaced map[*channel]struct{}
	links    map[string]*link // by the server's address
	stale    bool             // where the channels are may have changed
}

// channel is guarded by the subscription's lock.
type channel struct {
	name       string
	wanted     bool
	link       *link  // nil: to be placed
	asked      string // the command under way, at most one
	subscribed bool
	ready      chan struct{} // closed while subscribed
	owed       bool          // an ErrInterrupted, once it is subscribed
}

// Subscribe opens a subscription, which has connections of its own.
func (r *Redis) Subscribe(ctx context.Context) (Subscription, error) {
	s := &redisSubscription{
		queue: newQueue(), redis: r, wake: make(chan struct{}, 1),
		channels: map[string]*channel{}, unplaced: map[*channel]struct{}{}, links: map[string]*link{},
	}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	return s, nil
}

// Close does not wait for Redis: the goroutines end soon after.
func (s *redisSubscription) Close() error {
	s.close()
	s.stop()
	return nil
}

// Add returns the context's error, or ErrClosed.
func (s *redisSubscription) Add(ctx context.Context, names ...string) error {
	s.starting.Do(func() { go s.place() })
	for _, ready := range s.want(names) {
		select {
		case <-ready:
		case <-s.closed:
			return ErrClosed
		case <-ctx.Done():
			s.owe(names)
			return ctx.Err()
		}
	}
	return nil
}

func (s *redisSubscription) want(names []string) []chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	ready := make([]chan struct{}, len(names))
	for i, name := range names {
		c := s.channels[name]
		if c == nil {
			c = &channel{name: name, ready: make(chan struct{})}
			s.channels[name] = c
		}
		c.wanted = true
		s.settle(c)
		ready[i] = c.ready
	}
	return ready
}

// owe makes Receive tell of the channels that nobody waits for any longer.
func (s *redisSubscription) owe(names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if c := s.channels[name]; c != nil {
			c.owed = !c.subscribed
			if c.subscribed {
				s.interrupt()
			}
		}
	}
}

// Remove never waits for Redis. What still comes on the channels is dropped.
func (s *redisSubscription) Remove(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if c := s.channels[name]; c != nil {
			c.wanted, c.owed = false, false
			s.settle(c)
		}
	}
}

// settle has done what the channel lacks: its place, or a command. One command is under way at a time, so that its answer is known.
func (s *redisSubscription) settle(c *channel) {
	switch {
	case c.asked != "":
	case c.wanted == c.subscribed:
		if !c.wanted {
			delete(s.channels, c.name)
		}
	case c.link == nil:
		s.unplaced[c] = struct{}{}
		notify(s.wake)
	default:
		c.link.unsettled[c] = struct{}{}
		notify(c.link.wake)
	}
}

func notify(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
