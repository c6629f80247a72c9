package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/e2e/checker"
	"github.com/confab-chat/confab/pkg/client"
)

// Load is what a crew puts on a deployment. All its users are members of all its rooms.
type Load struct {
	Rooms   int
	Readers int           // sockets, spread over users and rooms
	Writers int           // to each room, half of them over HTTP, half over a socket
	Every   time.Duration // between the changes of a writer; 0: each answer brings the next one
	Body    int           // bytes of a message, at least
	Quiet   int           // more rooms, in which only a fault writes
	Crowd   int           // more sockets, spread over the quiet rooms
	Slow    int           // more sockets in the first room, on the first gateway: they take few frames a second
	Stuck   int           // and those that take none
	Most    int           // changes of all writers; 0: what MongoDB's stand-in bears
}

const (
	socketsEach = 40               // of a user, at most; a gateway takes 50
	sendWait    = 90 * time.Second // for one change, all tries
	arrivalWait = 40 * time.Second // for the last change to reach all readers: above every bound there is
	joinWait    = time.Minute
	mostChanges = 3000 // where a load does not say
)

// crew are users with readers and writers.
type crew struct {
	load     Load
	seed     uint64
	tag      string // in its users' addresses
	users    []*client.Client
	userIDs  []string
	rooms    []string
	quiet    []string // rooms too
	readers  []*reader
	slow     []*slowReader
	promises checker.Promises
	tries    *tries
	renewed  atomic.Int64   // tokens, by users who thought theirs dead
	misdated atomic.Int64   // messages that bear another time than this process's
	running  sync.WaitGroup // sockets
	stop     context.CancelFunc

	mu     sync.Mutex
	waits  []time.Duration // for a 201, of writers over HTTP
	most   int64           // tries of one of these
	failed []error
	resent int64
}

// muster has every reader join; slow ones join on the first gateway. The sockets run until dismiss.
func (c *crew) muster(ctx context.Context, firstGateway string) error {
	ctx, c.stop = context.WithCancel(ctx)
	c.readIn(ctx, c.rooms, c.load.Readers)
	c.readIn(ctx, c.quiet, c.load.Crowd)
	for _, r := range c.readers {
		select {
		case <-r.joined:
		case <-time.After(joinWait):
			return errors.New("not every reader could join")
		}
		r.begin()
	}
	return c.addSlow(ctx, firstGateway)
}

// readIn spreads so many readers over users and rooms.
func (c *crew) readIn(ctx context.Context, rooms []string, readers int) {
	for i := range readers {
		r := newReader(c.users[i%len(c.users)], rooms[i%len(rooms)])
		c.readers = append(c.readers, r)
		c.run(ctx, r.socket)
	}
}

func (c *crew) run(ctx context.Context, s *client.Socket) {
	c.running.Go(func() {
		if err := s.Run(ctx); !errors.Is(err, context.Canceled) {
			c.fail(fmt.Errorf("a socket ended: %w", err))
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.resent += s.Stats().Resent
	})
}

func (c *crew) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = append(c.failed, err)
}

// took notes how long a 201 took to come, and after how many tries.
func (c *crew) took(d time.Duration, tries int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits, c.most = append(c.waits, d), max(c.most, tries)
}

// dismiss ends all sockets.
func (c *crew) dismiss() {
	c.stop()
	c.running.Wait()
}
