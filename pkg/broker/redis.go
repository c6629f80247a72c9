package broker

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is the broker of many replicas.
type Redis struct {
	client redis.UniversalClient
}

// NewRedis returns a broker over the client, which stays the caller's to close.
func NewRedis(client redis.UniversalClient) *Redis { return &Redis{client: client} }

// Publish returns Redis's error; nil does not say that anybody heard.
func (r *Redis) Publish(ctx context.Context, channel string, payload []byte) error {
	return r.client.Publish(ctx, channel, payload).Err()
}

// Ping returns an error where Redis is out of reach.
func (r *Redis) Ping(ctx context.Context) error { return r.client.Ping(ctx).Err() }

// Subscribe opens a subscription, which has a connection of its own.
func (r *Redis) Subscribe(ctx context.Context) (Subscription, error) {
	s := &redisSubscription{queue: newQueue(), pubsub: r.client.Subscribe(ctx), waiting: map[string][]chan struct{}{}}
	return s, nil
}

type redisSubscription struct {
	*queue
	pubsub  *redis.PubSub
	reading sync.Once

	mu      sync.Mutex
	waiting map[string][]chan struct{} // by channel: who waits for its confirmation
}

// Add subscribes and waits for the confirmation of every channel. go-redis subscribes to them whenever it connects anew, also after
// an error of this call.
func (s *redisSubscription) Add(ctx context.Context, channels ...string) error {
	channels = slices.Compact(slices.Sorted(slices.Values(channels))) // one confirmation each
	confirmed := s.wait(channels)
	err := s.pubsub.Subscribe(ctx, channels...)
	s.reading.Do(func() { go s.read() })
	for i := 0; err == nil && i < len(confirmed); i++ {
		select {
		case <-confirmed[i]:
		case <-s.closed:
			err = ErrClosed
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		s.waitNoMore(channels, confirmed)
	}
	return err
}

func (s *redisSubscription) wait(channels []string) []chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	confirmed := make([]chan struct{}, len(channels))
	for i, channel := range channels {
		confirmed[i] = make(chan struct{})
		s.waiting[channel] = append(s.waiting[channel], confirmed[i])
	}
	return confirmed
}

// waitNoMore makes a later confirmation one that nobody expects.
func (s *redisSubscription) waitNoMore(channels []string, confirmed []chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, channel := range channels {
		s.waiting[channel] = slices.DeleteFunc(s.waiting[channel], func(c chan struct{}) bool { return c == confirmed[i] })
		if len(s.waiting[channel]) == 0 {
			delete(s.waiting, channel)
		}
	}
}

func (s *redisSubscription) Remove(ctx context.Context, channels ...string) error {
	return s.pubsub.Unsubscribe(ctx, channels...)
}

func (s *redisSubscription) Close() error {
	s.close()
	return s.pubsub.Close()
}

const retryEvery = 100 * time.Millisecond

// read ends when the subscription is closed. go-redis connects and subscribes anew by itself after an error.
func (s *redisSubscription) read() {
	for {
		received, err := s.pubsub.Receive(context.Background())
		switch m := received.(type) {
		case *redis.Message:
			s.put(Delivery{Channel: m.Channel, Payload: []byte(m.Payload)})
		case *redis.Subscription:
			s.confirm(m)
		}
		if err == nil {
			continue
		}
		if errors.Is(err, redis.ErrClosed) {
			return
		}
		s.interrupt()
		select {
		case <-s.closed:
			return
		case <-time.After(retryEvery):
		}
	}
}

// confirm wakes those who wait for the channel. A confirmation that nobody expects is of a new connection, or comes late: what was
// published until now may be lost.
func (s *redisSubscription) confirm(m *redis.Subscription) {
	if m.Kind != "subscribe" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting[m.Channel]) == 0 {
		s.interrupt()
		return
	}
	for _, c := range s.waiting[m.Channel] {
		close(c)
	}
	delete(s.waiting, m.Channel)
}
