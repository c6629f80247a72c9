package message

import (
	"context"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// lastNumbers returns the numbers to count on from: those this process had confirmed, else those that a majority holds. Numbers
// too low cost a duplicate key and another look; one too high, of a write that a failover takes back, would leave a hole for
// ever. The newest write may be a change that its writer did not live to apply.
func (m *mongoRepository) lastNumbers(ctx context.Context, conversationID string) (numbers, error) {
	if last, ok := m.last.get(conversationID); ok {
		return last, nil
	}
	of := bson.D{{Key: "conversation_id", Value: conversationID}}
	writes, err := find(ctx, m.writes, of, bson.D{{Key: "n", Value: -1}}, 1)
	if err != nil || len(writes) == 0 {
		return numbers{}, err
	}
	newest := writes[0]
	if newest.Op == OpCreate {
		return numbers{n: newest.N, seq: newest.Seq}, nil
	}
	if !newest.Applied {
		if _, err := m.apply(ctx, newest); err != nil {
			return numbers{}, err
		}
	}
	messages, err := find(ctx, m.writes, of, bson.D{{Key: "seq", Value: -1}}, 1)
	if err != nil || len(messages) == 0 {
		return numbers{}, err
	}
	return numbers{n: max(newest.N, messages[0].N), seq: max(messages[0].Seq, 0)}, nil
}

// numbers are the last ones taken in a conversation.
type numbers struct{ n, seq int64 }

// after returns the last numbers once w is stored.
func (l numbers) after(w mongoWrite) numbers {
	l.n = w.N
	if w.Op == OpCreate {
		l.seq = w.Seq
	}
	return l
}

// lastKept bounds the conversations whose numbers are remembered; past it all are forgotten, which costs a look-up each.
const lastKept = 100_000

// remembered is what is known of a conversation that was written to.
type remembered struct {
	numbers
	run run
}

// lastNumbers remembers the numbers that this process has seen confirmed. Others may have taken more since.
type lastNumbers struct {
	mu sync.Mutex
	of map[string]remembered
}

func newLastNumbers() *lastNumbers { return &lastNumbers{of: map[string]remembered{}} }

func (l *lastNumbers) get(conversationID string) (numbers, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, ok := l.of[conversationID]
	return last.numbers, ok
}

func (l *lastNumbers) remember(conversationID string, last numbers) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.of) >= lastKept {
		clear(l.of)
	}
	l.of[conversationID] = remembered{last, l.of[conversationID].run}
}

func (l *lastNumbers) forget(conversationID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.of, conversationID)
}
