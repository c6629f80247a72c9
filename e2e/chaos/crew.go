package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/client"
)

// Load is what a crew puts on a deployment. All its users are members of all its rooms.
type Load struct {
	Rooms   int
	Readers int           // sockets, spread over users and rooms
	Writers int           // to each room, half of them over HTTP, half over a socket
	Every   time.Duration // between the sends of a writer; 0: each answer brings the next one
}

const (
	socketsEach  = 10               // of a user
	registering  = 4                // users at a time: the server hashes a password for each
	sendWait     = 90 * time.Second // for one message, all tries
	arrivalWait  = 90 * time.Second // for the last message to reach all readers
	joinWait     = time.Minute
	hammerLength = 1500 // messages of writers without a pause: what MongoDB's stand-in bears
)

// crew are users with readers and writers.
type crew struct {
	load    Load
	users   []*client.Client
	rooms   []string
	readers []*reader
	running sync.WaitGroup // sockets
	stop    context.CancelFunc

	mu     sync.Mutex
	acks   []ack
	asked  map[string]time.Time // by client_msg_id
	waits  []time.Duration      // for a 201, of writers over HTTP
	failed []error
	resent int64
}

// muster registers the users and has every reader join. The sockets run until dismiss.
func muster(ctx context.Context, url string, load Load) (*crew, error) {
	c := &crew{load: load, asked: map[string]time.Time{}}
	if err := c.register(ctx, url, max(2, load.Readers/socketsEach, load.Writers)); err != nil {
		return nil, err
	}
	if err := c.open(ctx); err != nil {
		return nil, err
	}
	ctx, c.stop = context.WithCancel(ctx)
	for i := range load.Readers {
		r := newReader(c.users[i%len(c.users)], c.rooms[i/len(c.users)%len(c.rooms)])
		c.readers = append(c.readers, r)
		c.run(ctx, r.socket)
	}
	for _, r := range c.readers {
		select {
		case <-r.joined:
		case <-time.After(joinWait):
			return nil, errors.Join(errors.New("not every reader could join"), c.dismiss())
		}
	}
	return c, nil
}

func (c *crew) register(ctx context.Context, url string, n int) error {
	c.users = make([]*client.Client, n)
	var group sync.WaitGroup
	errs, places := make([]error, n), make(chan struct{}, registering)
	for i := range n {
		group.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if c.users[i], errs[i] = client.New(client.Options{URL: url}); errs[i] == nil {
				_, errs[i] = c.users[i].Register(ctx, client.Registration{
					Email: fmt.Sprintf("user%d@example.com", i), Password: "correct horse", FirstName: "User", LastName: fmt.Sprint(i),
				})
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// open makes the rooms.
func (c *crew) open(ctx context.Context) error {
	var others []string
	for _, u := range c.users[1:] {
		me, err := u.Me(ctx)
		if err != nil {
			return err
		}
		others = append(others, me.ID)
	}
	for i := range c.load.Rooms {
		room, err := c.users[0].Start(ctx, client.Start{Type: client.Group, Title: fmt.Sprint("Room ", i), MemberIDs: others})
		if err != nil {
			return err
		}
		c.rooms = append(c.rooms, room.Conversation.ID)
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

// dismiss ends all sockets, and returns what had failed.
func (c *crew) dismiss() error {
	c.stop()
	c.running.Wait()
	return errors.Join(c.failed...)
}

// write has all writers write until ctx ends, and returns when each has its last answer.
func (c *crew) write(ctx context.Context) {
	var group sync.WaitGroup
	apart := c.load.Every / time.Duration(len(c.rooms)*c.load.Writers) // else all would send at the same moments
	for _, room := range c.rooms {
		for i := range c.load.Writers {
			time.Sleep(apart)
			u := c.users[i%len(c.users)]
			if i%2 == 0 {
				group.Go(func() { c.writeOne(ctx, room, true, u.Send) })
				continue
			}
			s := u.Socket(client.SocketOptions{})
			own, stop := context.WithCancel(context.WithoutCancel(ctx))
			c.run(own, s)
			group.Go(func() {
				defer stop()
				c.writeOne(ctx, room, false, s.Send)
			})
		}
	}
	group.Wait()
}

func (c *crew) writeOne(ctx context.Context, room string, overHTTP bool, send sender) {
	pace := time.NewTicker(max(c.load.Every, time.Nanosecond))
	defer pace.Stop()
	for c.more() {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
			c.send(context.WithoutCancel(ctx), room, overHTTP, send)
		}
	}
}

// more bounds writers that do not pause.
func (c *crew) more() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load.Every > 0 || len(c.asked) < hammerLength
}
