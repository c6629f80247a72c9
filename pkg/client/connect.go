package client

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// keepConnected connects again and again, and returns why it stops.
func (s *Socket) keepConnected(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer s.settle()
	defer reading.Wait()
	defer cancel()
	catchUp := func(r *room) { reading.Go(func() { s.catchUp(ctx, r) }) }
	for p := new(pace); ; {
		if s.queue.full() && s.queue.waitForSpace(ctx) != nil {
			return ctx.Err()
		}
		number := int(s.tries.Add(1))
		err := s.connectOnce(ctx, number, p, catchUp)
		ended := ctx.Err()
		s.report(number, Closed, cmp.Or(ended, err))
		if ended != nil {
			return ended
		}
		pause, err := s.after(ctx, err, p)
		if err != nil {
			return err
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// settle forgets which feeds were to be read: joining from the last event does the same.
func (s *Socket) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		r.behind, r.mustJoin = false, false
		s.letGo(r)
	}
}

// connectOnce returns why a connection could not be opened or has ended.
func (s *Socket) connectOnce(ctx context.Context, number int, p *pace, catchUp func(*room)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tokens, err := s.client.validTokens(ctx)
	if err != nil {
		return err
	}
	p.token = tokens.Access
	ws, err := s.client.dial(ctx)
	if err != nil {
		return err
	}
	c := newConnection(number, ws, tokens.Access)
	s.open(c)
	var writing sync.WaitGroup
	gone := make(chan struct{})
	context.AfterFunc(ctx, func() { c.goodbye(); close(gone) })
	writing.Go(func() { s.write(ctx, c, &writing) })
	err = s.read(ctx, c, catchUp)
	s.close(c, p)
	_ = ws.Close() // it has ended
	cancel()
	writing.Wait()
	<-gone
	return err
}

// report tells of a connection's state.
func (s *Socket) report(number int, state State, err error) {
	s.queue.put(item{value: Connection{Number: number, State: state, At: time.Now(), Err: err}})
}

// open says at once all that is to be said on a new connection: the token, and each conversation with the last rev.
func (s *Socket) open(c *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = c
	c.say(command{Type: "auth", Token: c.token}, func(f frame) { s.entered(c, f) })
	for _, r := range s.rooms {
		s.letGo(r)
		r.mustJoin = false // this join is the one
		c.rejoining++
		s.join(c, r, true)
	}
}

// entered takes the answer to a connection's first token. A refusal is followed by the close that says more.
func (s *Socket) entered(c *connection, f frame) {
	if f.Session == nil {
		return
	}
	c.userID, c.since = f.Session.UserID, time.Now()
	close(s.up)
	s.stats.connects.Add(1)
	s.report(c.number, Connected, nil)
	s.queue.put(item{value: chat.InboxEvent{Type: chat.Inbox}})
	if c.rejoining == 0 {
		s.report(c.number, Rejoined, nil)
	}
}

func (s *Socket) close(c *connection, p *pace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn = nil
	close(c.done)
	p.token, p.window = c.token, c.window
	if c.userID == "" {
		return
	}
	s.up = make(chan struct{})
	p.refused, p.renewed = 0, false
	if time.Since(c.since) >= steady {
		p.attempt = 0
	}
}

// write writes what is to be said, and a new token whenever there is one, which it asks for in time.
func (s *Socket) write(ctx context.Context, c *connection, writing *sync.WaitGroup) {
	for {
		for _, data := range s.outgoing(c) {
			if err := c.write(data); err != nil {
				_ = c.ws.Close() // the reader sees it
				return
			}
		}
		changed, renewal := s.renewal(c)
		select {
		case <-c.wake:
		case <-changed:
		case <-renewal:
			writing.Go(func() { s.client.renewEarly(ctx) })
		case <-ctx.Done():
			return
		}
	}
}

func (s *Socket) outgoing(c *connection) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := c.outbox
	c.outbox = nil
	return out
}

// renewal says the present token where the server has another. It returns what tells of the next one, and the time to ask for it.
func (s *Socket) renewal(c *connection) (changed <-chan struct{}, due <-chan time.Time) {
	tokens, changed := s.client.tokens.current()
	s.mu.Lock()
	if tokens.Access != c.token && tokens.Access != "" {
		c.token = tokens.Access
		c.say(command{Type: "auth", Token: c.token}, nil) // if it is refused, the one before still counts
	}
	s.mu.Unlock()
	if at := s.client.tokens.due(); !at.IsZero() {
		due = time.After(max(time.Until(at), time.Second)) // while it is asked for, it is still due
	}
	return changed, due
}

// read reads until the connection ends, and returns why it did.
func (s *Socket) read(ctx context.Context, c *connection, catchUp func(*room)) error {
	c.answerPings()
	for {
		if s.queue.full() && s.queue.waitForSpace(ctx) != nil {
			return ctx.Err()
		}
		c.heard()
		_, data, err := c.ws.ReadMessage()
		if err != nil {
			return readError(err)
		}
		if s.opts.Tap != nil {
			s.opts.Tap(c.number, data)
		}
		f, err := decode(data)
		if err != nil {
			return &lostError{fmt.Errorf("the server sent %w", err)}
		}
		if r := s.hear(c, f); r != nil {
			catchUp(r)
		}
	}
}
