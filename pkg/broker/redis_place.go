package broker

import (
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/pause"
)

// retryEvery is the pause before channels that were lost or refused are placed again.
const retryEvery = 100 * time.Millisecond

// place gives channels to links until the subscription is closed.
func (s *redisSubscription) place() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.wake:
		}
		if s.wasStale() {
			s.redis.lookAgain(s.ctx)
			pause.For(s.ctx, retryEvery+s.redis.troubles.pause(anyServer))
		}
		s.placeAll(s.takeUnplaced())
	}
}

func (s *redisSubscription) wasStale() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.stale
	s.stale = false
	return was
}

func (s *redisSubscription) takeUnplaced() []*channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := slices.Collect(maps.Keys(s.unplaced))
	clear(s.unplaced)
	return taken
}

// placeAll places the channels in turn. After an error all that are left are tried again.
func (s *redisSubscription) placeAll(channels []*channel) {
	for i, c := range channels {
		node, err := s.redis.node(s.ctx, c.name) // without the lock: it may have to ask the cluster
		if err != nil {
			s.redis.troubles.add(s.ctx, anyServer, err)
			s.putBack(channels[i:])
			return
		}
		s.redis.troubles.over(s.ctx, anyServer)
		s.placeAt(c, node)
	}
}

func (s *redisSubscription) putBack(channels []*channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = true
	for _, c := range channels {
		if s.channels[c.name] == c { // else it was removed meanwhile
			s.settle(c)
		}
	}
}

func (s *redisSubscription) placeAt(c *channel, node *redis.Options) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels[c.name] != c || c.link != nil {
		return // removed meanwhile, or added again and placed before
	}
	c.link = s.link(node)
	s.settle(c)
}

// link returns the link to the node, which it starts where there is none. The lock is held.
func (s *redisSubscription) link(node *redis.Options) *link {
	l := s.links[node.Addr]
	if l == nil {
		l = newLink(s, node)
		s.links[node.Addr] = l
		go l.run(s.ctx)
	}
	return l
}
