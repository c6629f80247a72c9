package realtime

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	logWait    = time.Second // for the broker's log, before message-svc is asked
	logRest    = time.Second // in which the log is not asked, after it did not answer in time
	maxFetches = 64          // requests to other services and the log that one replica has under way for its sockets
)

// Where events are fetched from: metric labels.
const (
	fromLog      = "log"
	fromMessages = "messages"
)

var errFeedShort = errors.New("the feed lacks an event that exists")

// history fetches events that went by.
type history struct {
	broker broker.Broker
	peers  *peer.Peers
	places chan struct{} // holds a token for each fetch under way
	begin  time.Time
	rests  atomic.Int64 // the log, until so many nanoseconds after begin; 0: it answers
}

func newHistory(b broker.Broker, peers *peer.Peers) *history {
	return &history{broker: b, peers: peers, places: make(chan struct{}, maxFetches), begin: time.Now()}
}

// enter waits for a place among the fetches. It returns the context's error.
func (h *history) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.places <- struct{}{}:
		return func() { <-h.places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// next returns some of the events from after+1 on, at least one and without holes, and where they came from: all up to the event
// to where the broker's log has every one, else a page of message-svc's feed.
func (h *history) next(ctx context.Context, conversationID string, after, to int64) ([]chat.Event, string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return nil, "", err
	}
	defer leave()
	if to-after <= broker.LogEntries && !guard.Off(guard.Log) {
		if events := h.log(ctx, conversationID, after); dense(events, after) >= to {
			return events, fromLog, nil
		}
	}
	feed, err := h.peers.Messages.Feed(ctx, peer.FeedRequest{
		ConversationID: conversationID, AfterRev: after, Limit: int(min(to-after, chat.MaxPage)),
	})
	if err != nil {
		return nil, "", err
	}
	if len(feed.Items) == 0 || dense(feed.Items, after) != after+int64(len(feed.Items)) {
		return nil, "", errFeedShort
	}
	return feed.Items, fromMessages, nil
}

// log returns nothing where the broker cannot be asked: message-svc has it all.
func (h *history) log(ctx context.Context, conversationID string, after int64) []chat.Event {
	if !h.mayAskLog() {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, logWait)
	defer cancel()
	events, err := h.broker.Log(bounded, conversationID, after)
	if err == nil {
		h.rests.Store(0)
		return events
	}
	if bounded.Err() != nil && ctx.Err() == nil {
		h.rests.Store(int64(time.Since(h.begin) + logRest))
	}
	return nil
}

// mayAskLog has one caller at a time find out whether a log answers again that did not: else all would wait for it, again and again.
func (h *history) mayAskLog() bool {
	until := h.rests.Load()
	now := time.Since(h.begin)
	return until == 0 || int64(now) >= until && h.rests.CompareAndSwap(until, int64(now+logWait+logRest))
}

// dense returns the rev up to which the events are without holes from after+1 on, after where they have one.
func dense(events []chat.Event, after int64) int64 {
	for i, e := range events {
		if e.Rev != after+int64(i)+1 || e.Message == nil {
			return after
		}
	}
	return after + int64(len(events))
}
