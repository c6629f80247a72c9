package realtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	logWait    = time.Second // for the broker's log, before message-svc is asked
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

	flights singleflight.Group
}

func newHistory(b broker.Broker, peers *peer.Peers) *history {
	return &history{broker: b, peers: peers, places: make(chan struct{}, maxFetches)}
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

// next returns some of the events from after+1 on, at least one and without holes, and where they came from: what the broker's log has up to its
// first hole, else a page of message-svc's feed. The log may lack the newest, which are announced at this moment.
func (h *history) next(ctx context.Context, conversationID string, after, to int64) ([]chat.Event, string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return nil, "", err
	}
	defer leave()
	if to-after <= broker.LogEntries && !guard.Off(guard.Log) {
		events := h.log(ctx, conversationID, after)
		if n := dense(events, after); n > 0 {
			return events[:n], fromLog, nil
		}
	}
	events, err := h.feed(ctx, peer.FeedRequest{ConversationID: conversationID, AfterRev: after, Limit: int(min(to-after, chat.MaxPage))})
	if err != nil {
		return nil, "", err
	}
	if len(events) == 0 || dense(events, after) < len(events) {
		return nil, "", errFeedShort
	}
	return events, fromMessages, nil
}

// feed asks message-svc once for all who want the same at this moment: where Redis came back empty, all sockets that were cut do.
func (h *history) feed(ctx context.Context, r peer.FeedRequest) ([]chat.Event, error) {
	answer := h.flights.DoChan(fmt.Sprint(r), func() (any, error) {
		asked, cancel := context.WithTimeout(context.WithoutCancel(ctx), commandWait) // whoever comes first may leave before the others
		defer cancel()
		return h.peers.Messages.Feed(asked, r)
	})
	select {
	case a := <-answer:
		feed, _ := a.Val.(peer.Feed)
		return feed.Items, a.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// log returns nothing where the broker cannot be asked: message-svc has it all.
func (h *history) log(ctx context.Context, conversationID string, after int64) []chat.Event {
	ctx, cancel := context.WithTimeout(ctx, logWait)
	defer cancel()
	events, err := h.broker.Log(ctx, conversationID, after)
	if err != nil {
		return nil
	}
	return events
}

// dense returns how many of the events follow each other from after+1 on.
func dense(events []chat.Event, after int64) int {
	for i, e := range events {
		if e.Rev != after+int64(i)+1 || e.Message == nil {
			return i
		}
	}
	return len(events)
}
