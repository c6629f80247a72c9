package broker

// What a link asks for, and what it is answered.

// commands returns the commands that a link has to send.
func (s *redisSubscription) commands(l *link) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b []byte
	for c := range l.unsettled {
		switch {
		case c.link != l || c.asked != "" || c.wanted == c.subscribed:
			continue
		case c.wanted:
			c.asked = s.redis.verbs.subscribe
		default:
			c.asked = s.redis.verbs.unsubscribe
			c.unsubscribed()
		}
		b = appendCommand(b, c.asked, c.name) // one each: a cluster refuses channels of several slots in one
	}
	clear(l.unsettled)
	return b
}

func (c *channel) unsubscribed() {
	if c.subscribed {
		c.subscribed = false
		c.ready = make(chan struct{})
	}
}

// confirmed takes the answer to a command, or the news that a slot, and with it the channel, has left the node.
func (s *redisSubscription) confirmed(l *link, verb, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[name]
	switch {
	case c == nil || c.link != l:
	case verb == c.asked:
		c.asked = ""
		if verb == s.redis.verbs.subscribe {
			s.subscribed(c)
		}
		s.settle(c)
	case verb == s.redis.verbs.unsubscribe && c.subscribed:
		s.stale = true
		s.release(c)
	}
}

func (s *redisSubscription) subscribed(c *channel) {
	c.subscribed = true
	close(c.ready)
	if c.owed {
		c.owed = false
		s.interrupt()
	}
}

// moved takes a refusal: the node does not have the slot. It names no channel, but no other of that slot can do better.
func (s *redisSubscription) moved(l *link, slot int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = true
	for _, c := range s.channels {
		if c.link == l && c.asked != "" && slotOf(c.name) == slot {
			s.release(c)
		}
	}
}

// drop has all channels of a link that has ended placed anew.
func (s *redisSubscription) drop(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = true
	delete(s.links, l.node.Addr)
	for _, c := range s.channels {
		if c.link == l {
			s.release(c)
		}
	}
}

// release takes the channel from its link, on which it is subscribed no longer.
func (s *redisSubscription) release(c *channel) {
	if c.wanted && c.subscribed {
		c.owed = true
		s.interrupt()
	}
	c.unsubscribed()
	c.link, c.asked = nil, ""
	s.settle(c)
}

func (s *redisSubscription) deliver(name string, payload []byte) {
	s.mu.Lock()
	c := s.channels[name]
	wanted := c != nil && c.wanted
	s.mu.Unlock()
	if wanted {
		s.put(Delivery{Channel: name, Payload: payload})
	}
}
