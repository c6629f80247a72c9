package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
}

const (
	socketsEach = 40               // of a user; a gateway takes 50
	registering = 4                // users at a time: the server hashes a password for each
	sendWait    = 90 * time.Second // for one change, all tries
	arrivalWait = 40 * time.Second // for the last change to reach all readers: above every bound there is
	joinWait    = time.Minute
	mostChanges = 3000 // of all writers: what MongoDB's stand-in bears
)

// crew are users with readers and writers.
type crew struct {
	load     Load
	seed     uint64
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
	failed []error
	resent int64
}

// muster registers the users and has every reader join; slow ones join on the first gateway. The sockets run until dismiss.
func muster(ctx context.Context, url, firstGateway string, load Load, seed uint64) (*crew, error) {
	c := &crew{load: load, seed: seed, tries: newTries()}
	if err := c.register(ctx, url, max(2, (load.Readers+load.Crowd)/socketsEach, load.Writers)); err != nil {
		return nil, err
	}
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	c.renewed.Store(0) // Register counts too
	ctx, c.stop = context.WithCancel(ctx)
	c.readIn(ctx, c.rooms, load.Readers)
	c.readIn(ctx, c.quiet, load.Crowd)
	for _, r := range c.readers {
		select {
		case <-r.joined:
		case <-time.After(joinWait):
			c.dismiss()
			return nil, errors.Join(append(c.failed, errors.New("not every reader could join"))...)
		}
	}
	if err := c.addSlow(ctx, firstGateway); err != nil {
		c.dismiss()
		return nil, err
	}
	return c, nil
}

// readIn spreads so many readers over users and rooms.
func (c *crew) readIn(ctx context.Context, rooms []string, readers int) {
	for i := range readers {
		r := newReader(c.users[i%len(c.users)], rooms[i/len(c.users)%len(rooms)])
		c.readers = append(c.readers, r)
		c.run(ctx, r.socket)
	}
}

const password = "correct horse"

func emailOf(user int) string { return fmt.Sprintf("user%d@example.com", user) }

func (c *crew) register(ctx context.Context, url string, n int) error {
	c.users, c.userIDs = make([]*client.Client, n), make([]string, n)
	var group sync.WaitGroup
	errs, places := make([]error, n), make(chan struct{}, registering)
	for i := range n {
		group.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if c.users[i], errs[i] = client.New(client.Options{
				URL: url, HTTP: &http.Client{Transport: c.tries}, OnTokens: func(client.Tokens) { c.renewed.Add(1) },
			}); errs[i] != nil {
				return
			}
			me, err := c.users[i].Register(ctx, client.Registration{
				Email: emailOf(i), Password: password, FirstName: "User", LastName: fmt.Sprint(i),
			})
			c.userIDs[i], errs[i] = me.ID, err
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// open makes the rooms.
func (c *crew) open(ctx context.Context) (err error) {
	if c.rooms, err = c.openSome(ctx, c.load.Rooms); err == nil {
		c.quiet, err = c.openSome(ctx, c.load.Quiet)
	}
	return err
}

func (c *crew) openSome(ctx context.Context, n int) ([]string, error) {
	var rooms []string
	for range n {
		room, err := c.users[0].Start(ctx, client.Start{Type: client.Group, Title: "A room", MemberIDs: c.userIDs[1:]})
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, room.Conversation.ID)
	}
	return rooms, nil
}

// writeQuietly has the user write into each quiet room.
func (c *crew) writeQuietly(ctx context.Context, user *client.Client) error {
	for _, room := range c.quiet {
		w := &writer{crew: c, user: user, room: room}
		if err := w.send(ctx); err != nil {
			return err
		}
	}
	return nil
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

func (c *crew) took(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = append(c.waits, d)
}

// dismiss ends all sockets.
func (c *crew) dismiss() {
	c.stop()
	c.running.Wait()
}
