package realtime

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/tracing"
)

var errTooManySockets = fault.New(fault.RateLimited, "too_many_sockets", "The user has as many sockets as she may. Close one first.")

// verifier tells whose token it is, and whether its session has ended since.
type verifier interface {
	Verify(ctx context.Context, token string) (identity.Identity, error)
	Revoked(sessionID string) bool
	Now() time.Time // by which tokens expire
}

// hub holds the sockets of this replica and brings them what concerns them. It knows no protocol.
type hub struct {
	peers     *peer.Peers
	broker    broker.Broker
	users     verifier
	local     *ratelimit.Memory // counts sockets of this replica
	maxAge    time.Duration     // of a socket; 0 for no bound
	tokenless bool              // strangers may enter conversations over Socket.IO, and hear that there is something new
	log       *slog.Logger
	tracer    *tracing.Tracer
	metrics   *metrics
	history   *history
	queued    atomic.Int64 // bytes in all queues

	subscription broker.Subscription
	shards       [shardCount]*shard
	check        chan struct{} // holds a token where events may have been lost

	ctx        context.Context // of what works for rooms and sockets
	stop       context.CancelFunc
	background sync.WaitGroup // of rooms

	mu       sync.Mutex
	sessions map[*session]struct{}
	draining bool
	sockets  sync.WaitGroup

	waiting *strangers // for their token, all together
	guests  *strangers // who may do without one, by network
}

func newHub(ctx context.Context, env server.Env, users verifier) (*hub, error) {
	h := &hub{
		peers: env.Peers, broker: env.Broker, users: users, local: ratelimit.NewMemory(), log: env.Log, tracer: env.Tracer,
		history: newHistory(env.Broker, env.Peers), check: make(chan struct{}, 1), sessions: map[*session]struct{}{},
		waiting: newStrangers(0), guests: newStrangers(0),
	}
	h.metrics = newMetrics(env.Registerer, &h.queued)
	h.ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	for i := range h.shards {
		h.shards[i] = h.newShard()
	}
	var err error
	h.subscription, err = env.Broker.Subscribe(ctx)
	return h, err
}

// shardCount is the number of goroutines that bring events to sockets. A channel is always the same one's.
const shardCount = 16

var shardSeed = maphash.MakeSeed()

func (h *hub) shard(channel string) *shard {
	return h.shards[maphash.String(shardSeed, channel)%shardCount]
}

// run brings events to sockets, and ends those whose time is over, until ctx ends.
func (h *hub) run(ctx context.Context) {
	var group sync.WaitGroup
	for _, s := range h.shards {
		group.Go(func() { s.run(ctx) })
	}
	group.Go(func() { h.receive(ctx) })
	group.Go(func() { h.checkPositions(ctx) })
	group.Go(func() { h.sweep(ctx) })
	group.Wait()
}

func (h *hub) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, s := range h.all() {
				s.sweep(now)
			}
		}
	}
}

// serve runs a socket until it ends. It returns false where the hub takes no more.
func (h *hub) serve(s *session, run func()) bool {
	if s.user == nil && s.stranger == nil {
		s.stranger = h.waiting.add("", func() { s.out.finish(endUnavailable) }) // which may write to another socket: not under the lock
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		s.stranger.leave()
		return false
	}
	h.sessions[s] = struct{}{}
	h.metrics.sockets.WithLabelValues(s.encoder.protocol()).Inc()
	h.sockets.Go(func() {
		defer h.gone(s)
		run()
	})
	return true
}

func (h *hub) gone(s *session) {
	h.metrics.sockets.WithLabelValues(s.encoder.protocol()).Dec()
	h.metrics.closes.WithLabelValues(s.out.ending().reason).Inc()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sessions, s)
}

func (h *hub) all() []*session {
	h.mu.Lock()
	defer h.mu.Unlock()
	sessions := make([]*session, 0, len(h.sessions))
	for s := range h.sessions {
		sessions = append(sessions, s)
	}
	return sessions
}

// enter makes the socket one of the user's. It returns errTooManySockets where she has too many.
func (h *hub) enter(s *session, who identity.Identity) error {
	users := h.shard(chat.UserChannel(who.UserID)).users
	u, _ := users.acquire(s.ctx, who.UserID) // a user's open never fails
	if !u.add(s) {
		users.release(who.UserID)
		return errTooManySockets
	}
	s.user = u
	s.become(who)
	s.stranger.leave()
	return nil
}

// exit undoes what the socket did here. It returns once its commands have ended.
func (h *hub) exit(s *session) {
	s.stop()
	s.stranger.leave()
	if s.user != nil {
		s.user.remove(s)
	}
	s.lanes.stop()
	s.leaveAll()
	s.out.discard()
	if s.user != nil {
		h.shard(chat.UserChannel(s.user.id)).users.release(s.user.id)
	}
}

// release gives a room back that a subscription had.
func (h *hub) release(sub *subscription) {
	h.shard(chat.ConversationChannel(sub.room.id)).rooms.release(sub.room.id)
}

// giveBack releases beside the caller, which must not wait for the broker.
func (h *hub) giveBack(sub *subscription) {
	h.background.Go(func() { h.release(sub) })
}

// failed logs what a room could not do. It is tried again.
func (h *hub) failed(ctx context.Context, message string, err error) {
	if ctx.Err() == nil {
		h.log.WarnContext(ctx, message, "error", err.Error()) //nolint:sloglint // each caller's is a constant
	}
}
