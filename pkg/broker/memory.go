package broker

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// Memory is the broker of a single process.
type Memory struct {
	mu          sync.RWMutex
	subscribers map[string]map[*memorySubscription]struct{} // by channel
	logs        map[string]*memoryLog                       // by conversation
	logged      int                                         // bytes in all logs
	swept       time.Time
}

// NewMemory returns a broker without subscribers.
func NewMemory() *Memory {
	return &Memory{
		subscribers: map[string]map[*memorySubscription]struct{}{}, logs: map[string]*memoryLog{}, swept: time.Now(),
	}
}

// Announce puts the event into the log and publishes it. It returns an error only where the event is no JSON.
func (m *Memory) Announce(ctx context.Context, e chat.Event) error {
	m.mu.Lock()
	m.sweep()
	log := m.logs[e.ConversationID]
	if log == nil {
		log = &memoryLog{}
		m.logs[e.ConversationID] = log
	}
	logged := e
	logged.Trace = ""
	m.logged += log.add(logged)
	m.bound(e.ConversationID)
	heard := len(m.subscribers[chat.ConversationChannel(e.ConversationID)]) > 0
	m.mu.Unlock()
	if !heard {
		return nil
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return m.Publish(ctx, chat.ConversationChannel(e.ConversationID), payload)
}

// Log returns what the log holds above after.
func (m *Memory) Log(_ context.Context, conversationID string, after int64) ([]chat.Event, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	log := m.logs[conversationID]
	if log == nil || time.Since(log.touched) > LogAge {
		return nil, nil
	}
	return log.after(after), nil
}

// Publish hands the payload to each subscription that has the channel.
func (m *Memory) Publish(_ context.Context, channel string, payload []byte) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for s := range m.subscribers[channel] {
		s.put(Delivery{Channel: channel, Payload: payload})
	}
	return nil
}

// Subscribe opens a subscription.
func (m *Memory) Subscribe(context.Context) (Subscription, error) {
	return &memorySubscription{queue: newQueue(), broker: m, channels: map[string]struct{}{}}, nil
}

// Trouble returns nil: memory is never out of reach.
func (m *Memory) Trouble() error { return nil }

// sweep forgets, once a minute, the logs that nothing was added to for LogAge.
func (m *Memory) sweep() {
	if time.Since(m.swept) < time.Minute {
		return
	}
	m.swept = time.Now()
	for conversationID, log := range m.logs {
		if time.Since(log.touched) > LogAge {
			m.drop(conversationID)
		}
	}
}

// memoryBytes bounds the message bytes in all logs together.
const memoryBytes = 64 << 20

// bound drops other logs, whichever they are, while all hold too much: what they held is fetched from message-svc.
func (m *Memory) bound(keep string) {
	for conversationID := range m.logs {
		if m.logged <= memoryBytes {
			return
		}
		if conversationID != keep {
			m.drop(conversationID)
		}
	}
}

func (m *Memory) drop(conversationID string) {
	m.logged -= m.logs[conversationID].bytes
	delete(m.logs, conversationID)
}

type memorySubscription struct {
	*queue
	broker   *Memory
	channels map[string]struct{} // guarded by broker.mu
}

func (s *memorySubscription) Add(_ context.Context, channels ...string) error {
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	for _, channel := range channels {
		if s.broker.subscribers[channel] == nil {
			s.broker.subscribers[channel] = map[*memorySubscription]struct{}{}
		}
		s.broker.subscribers[channel][s] = struct{}{}
		s.channels[channel] = struct{}{}
	}
	return nil
}

func (s *memorySubscription) Remove(channels ...string) {
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	for _, channel := range channels {
		s.remove(channel)
	}
}

func (s *memorySubscription) remove(channel string) {
	delete(s.channels, channel)
	delete(s.broker.subscribers[channel], s)
	if len(s.broker.subscribers[channel]) == 0 {
		delete(s.broker.subscribers, channel)
	}
}

func (s *memorySubscription) Close() error {
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	for channel := range s.channels {
		s.remove(channel)
	}
	s.close()
	return nil
}
