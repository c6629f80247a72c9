package message

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/pause"
	"github.com/confab-chat/confab/pkg/peer"
)

const (
	raiseBatch    = 200                   // conversations in one request; half as many after each that fails
	raisePause    = 10 * time.Millisecond // between two requests: what is stored meanwhile shares the next one
	raiseStep     = 500                   // messages that one raise tells of when it makes up for lost ones
	raiseTimeout  = 5 * time.Second
	raiseRetry    = 500 * time.Millisecond
	raiseWaiting  = 50_000 // conversations that wait while conversation-svc is away; more are left to its walk
	bigGroup      = 50     // members above which a conversation's head moves at most once in bigGroupPause
	bigGroupPause = time.Second
	headsKept     = 100_000 // conversations whose heads are remembered; past it all are forgotten
)

// raiser tells conversation-svc of new heads, beside the requests that made them: many conversations in one request, each
// with all that came since its last raise. One request is under way at a time, so heads move in order.
type raiser struct {
	repo  Repository
	peers *peer.Peers
	log   *slog.Logger
	lost  prometheus.Counter
	wake  chan struct{} // holds a token while something may be due

	batch int // of the next request; run's alone

	mu      sync.Mutex
	waiting map[string]*raise
	paused  map[string]time.Time // big groups, until when
	heads   map[string]int64     // the seqs that conversation-svc is known to have
}

func newRaiser(repo Repository, peers *peer.Peers, log *slog.Logger, registerer prometheus.Registerer) *raiser {
	r := &raiser{
		repo: repo, peers: peers, log: log, wake: make(chan struct{}, 1), batch: raiseBatch,
		waiting: map[string]*raise{}, paused: map[string]time.Time{}, heads: map[string]int64{},
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "confab_head_raises_lost_total", Help: "Head raises given up because too many waited; conversation-svc's walk makes up for them.",
		}),
	}
	registerer.MustRegister(r.lost)
	return r
}

// stored takes what was stored in a conversation. It never waits.
func (r *raiser) stored(conversationID string, outcomes []Outcome) {
	w := newRaise(conversationID)
	for _, o := range outcomes {
		if o.Op == OpCreate {
			w.created(o.Message)
		} else {
			w.changed(peer.HeadOf(o.Message))
		}
	}
	r.add(w)
}

// seen takes the newest message that somebody has read, in case its raise was lost.
func (r *raiser) seen(newest chat.Message) {
	r.mu.Lock()
	known := r.heads[newest.ConversationID]
	r.mu.Unlock()
	if known < newest.Seq && !guard.Off(guard.HeadRepair) {
		w := newRaise(newest.ConversationID)
		w.changed(peer.HeadOf(newest))
		r.add(w)
	}
}

func (r *raiser) add(w *raise) {
	r.mu.Lock()
	defer r.mu.Unlock()
	earlier := r.waiting[w.conversationID]
	switch {
	case earlier != nil && earlier.more: // it goes on through the store, where w's messages are too
	case earlier != nil && w.more:
		r.waiting[w.conversationID] = w
	case earlier != nil:
		earlier.merge(w)
	case len(r.waiting) >= raiseWaiting:
		r.lost.Inc()
	default:
		r.waiting[w.conversationID] = w
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run raises until ctx ends, and then what still waits, for at most flushTimeout.
func (r *raiser) run(ctx context.Context) {
	for ctx.Err() == nil {
		if batch := r.due(time.Now()); len(batch) > 0 {
			r.send(ctx, batch)
			pause.For(ctx, raisePause)
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-time.After(bigGroupPause): // what was paused is due by now
		}
	}
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	for batch := r.due(time.Now().Add(bigGroupPause)); len(batch) > 0 && flush.Err() == nil; batch = r.due(time.Now().Add(bigGroupPause)) {
		r.send(flush, batch)
	}
}

// due takes out raises of conversations that are not paused at now.
func (r *raiser) due(now time.Time) []*raise {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.paused, func(_ string, until time.Time) bool { return !now.Before(until) })
	var batch []*raise
	for conversationID, w := range r.waiting {
		if _, paused := r.paused[conversationID]; paused {
			continue
		}
		delete(r.waiting, conversationID)
		if batch = append(batch, w); len(batch) == r.batch {
			break
		}
	}
	return batch
}

func (r *raiser) send(ctx context.Context, batch []*raise) {
	request := peer.RaiseHeadsRequest{Raises: make([]peer.Raise, len(batch))}
	for i, w := range batch {
		request.Raises[i] = w.request()
	}
	asked, cancel := context.WithTimeout(ctx, raiseTimeout)
	defer cancel()
	answer, err := r.peers.Conversations.RaiseHeads(asked, request)
	if err == nil && len(answer.Items) != len(batch) {
		err = errors.New("conversation-svc answered another number of heads")
	}
	if err != nil {
		r.log.WarnContext(ctx, "heads not raised", "error", err.Error(), "conversations", len(batch))
		r.failed(ctx, batch, err)
		return
	}
	r.batch = min(2*r.batch, raiseBatch)
	var behind []*raise
	for i, w := range batch {
		if err := r.settle(asked, w, request.Raises[i], answer.Items[i]); err != nil {
			r.log.WarnContext(ctx, "lagging head not raised", "error", err.Error())
			behind = append(behind, w)
		}
	}
	if behind != nil {
		r.addAll(behind)
		pause.For(ctx, raiseRetry)
	}
}

// failed tries again in smaller requests: the whole may be too much, or one of them be refused. One that is refused by itself is given up.
func (r *raiser) failed(ctx context.Context, batch []*raise, err error) {
	kind := fault.From(err).Kind
	refused := kind != fault.Unavailable && kind != fault.Canceled && kind != fault.Internal
	if refused && len(batch) == 1 {
		r.lost.Inc()
		return
	}
	r.batch = max(len(batch)/2, 1)
	r.addAll(batch)
	if !refused {
		pause.For(ctx, raiseRetry)
	}
}

func (r *raiser) addAll(batch []*raise) {
	for _, w := range batch {
		r.add(w)
	}
}

// settle looks at the head after a raise: where it lags, the raise goes on from there. It returns the store's error.
func (r *raiser) settle(ctx context.Context, w *raise, asked peer.Raise, head peer.RaisedHead) error {
	if head.Members == 0 {
		return nil // the conversation is gone, or is about to be inserted with its head
	}
	r.noted(w.conversationID, head)
	if head.HeadSeq >= asked.FromSeq-1 && !w.more || guard.Off(guard.HeadRepair) {
		return nil
	}
	missing, err := r.repo.After(ctx, w.conversationID, head.HeadSeq, raiseStep)
	if err != nil || len(missing) == 0 {
		return err
	}
	next := newRaise(w.conversationID)
	for _, m := range missing {
		next.created(m)
	}
	next.more = len(missing) == raiseStep
	r.add(next)
	return nil
}

func (r *raiser) noted(conversationID string, head peer.RaisedHead) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heads) >= headsKept {
		clear(r.heads)
	}
	r.heads[conversationID] = head.HeadSeq
	if head.Members > bigGroup {
		r.paused[conversationID] = time.Now().Add(bigGroupPause)
	}
}
