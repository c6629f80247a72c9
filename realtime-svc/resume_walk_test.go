package realtime

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

// walk is a random walk and the world that it goes through. One goroutine takes its steps.
type walk struct {
	t             *testing.T
	dice          *rand.Rand
	world         *world
	broker        *lossy
	oracle        *oracle
	issuer        *tokentest.Issuer
	conversations []string
	users         []string
	devices       []*device
	stop          context.CancelFunc // of the devices
	running       sync.WaitGroup     // the devices
	background    sync.WaitGroup     // what steps began
	resyncs       atomic.Int64
	connections   atomic.Int64

	mu        sync.Mutex
	replicas  [2]*replica
	replacing bool
	feedDown  bool
}

// tally is what the walks came to.
type tally struct {
	Events, Connections, Resyncs int64
}

// Every fourth walk has a broker that works: what a removed member gets is bounded more tightly then.
func newWalk(t *testing.T, seed uint64) *walk {
	b := newLossy(seed)
	b.bad.Store(seed%4 != 0)
	w := &walk{
		t: t, dice: rand.New(rand.NewPCG(seed, 0)), world: newWorld(t, b), broker: b, issuer: tokentest.New(),
		conversations: []string{"c", "d"}, users: []string{"ada", "bob", "eve"},
	}
	w.oracle = &oracle{t: t, world: w.world, late: 35 * time.Second, stays: map[[2]string][]stay{}}
	if !b.bad.Load() {
		w.oracle.late = time.Second
	}
	for _, id := range w.conversations {
		w.world.create(id, w.users...)
		for _, userID := range w.users {
			w.oracle.enter(id, userID, 0)
		}
	}
	for i := range w.replicas {
		w.replicas[i] = w.replica(i)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	for i, userID := range []string{"ada", "bob", "eve", "ada"} {
		d := w.device(fmt.Sprint(userID, i), userID, rand.New(rand.NewPCG(seed, uint64(i+1))))
		w.devices = append(w.devices, d)
		w.running.Go(func() { d.run(ctx) })
	}
	return w
}

func (w *walk) device(name, userID string, dice *rand.Rand) *device {
	d := &device{walk: w, name: name, userID: userID, dice: dice, orders: make(chan func(), maxOrders), chats: map[string]*following{}}
	for _, id := range w.conversations {
		d.chats[id] = &following{device: d, id: id}
	}
	return d
}

func (w *walk) replica(i int) *replica {
	peers := &peer.Peers{Auth: w.issuer, Conversations: w.world, Messages: &flaky{w.world, w}}
	return startReplica(w.t, Config{Drain: 4 * time.Second, MaxConnectionAge: 5 * time.Minute}, lossyTo{w.broker, i}, peers)
}

func (w *walk) stopDevices() {
	w.stop()
	w.running.Wait()
}

// close returns when nothing of the walk runs any more.
func (w *walk) close() {
	w.setFeed(true)
	w.stopDevices()
	w.background.Wait()
	for _, r := range w.replicas {
		r.close()
	}
}

func (w *walk) add(total *tally) {
	for _, id := range w.conversations {
		total.Events += int64(len(w.oracle.events(id)))
	}
	total.Connections += w.connections.Load()
	total.Resyncs += w.resyncs.Load()
}

// dial opens a socket on either replica. Its token may end soon.
func (w *walk) dial(ctx context.Context, dice *rand.Rand, userID string) (*websocket.Conn, error) {
	w.mu.Lock()
	r := w.replicas[dice.IntN(len(w.replicas))]
	w.mu.Unlock()
	ws, err := r.dial(ctx, w.t, w.issuer, userID, time.Minute+upTo(dice, 5*time.Minute))
	if err == nil {
		w.connections.Add(1)
	}
	return ws, err
}

// replace ends a replica, gently or not, and starts another in its place.
func (w *walk) replace(i int, gently bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.replacing {
		return
	}
	w.replacing = true
	old := w.replicas[i]
	w.background.Go(func() {
		if gently {
			old.app.Drain(context.Background())
		} else {
			old.pipes.Cut()
		}
		old.close()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.replicas[i], w.replacing = w.replica(i), false
	})
}

func (w *walk) setFeed(up bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.feedDown = !up
}

func (w *walk) feedUp() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.feedDown
}

// flaky is message-svc, which is away at times.
type flaky struct {
	*world
	walk *walk
}

func (f *flaky) Last(ctx context.Context, r peer.LastRequest) (peer.Lasts, error) {
	if !f.walk.feedUp() {
		return peer.Lasts{}, errDown
	}
	return f.world.Last(ctx, r)
}

func (f *flaky) Feed(ctx context.Context, r peer.FeedRequest) (peer.Feed, error) {
	if !f.walk.feedUp() {
		return peer.Feed{}, errDown
	}
	return f.world.Feed(ctx, r)
}
