package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
	"github.com/confab-chat/confab/pkg/id"
)

// writer sends to one conversation, and now and then changes its own last message. It waits for each answer.
type writer struct {
	crew     *crew
	user     *client.Client
	room     string
	socket   *client.Socket // nil: it sends over HTTP
	dice     *rand.Rand
	last     *chat.Message // what it may change; nil: nothing
	revision int           // of last's body
}

// write has all writers write until ctx ends, and returns when each has its last answer.
func (c *crew) write(ctx context.Context) {
	var group sync.WaitGroup
	apart := c.load.Every / time.Duration(len(c.rooms)*c.load.Writers) // else all would send at the same moments
	for n, room := range c.rooms {
		for i := range c.load.Writers {
			time.Sleep(apart)
			w := &writer{crew: c, user: c.users[(n*c.load.Writers+i)%len(c.users)], room: room, dice: rand.New(rand.NewPCG(c.seed, uint64(n)<<32|uint64(i)))}
			if i%2 == 0 {
				group.Go(func() { w.run(ctx) })
				continue
			}
			w.socket = w.user.Socket(client.SocketOptions{})
			own, stop := context.WithCancel(context.WithoutCancel(ctx))
			c.run(own, w.socket)
			group.Go(func() {
				defer stop()
				w.run(ctx)
			})
		}
	}
	group.Wait()
}

func (w *writer) run(ctx context.Context) {
	pace := time.NewTicker(max(w.crew.load.Every, time.Nanosecond))
	defer pace.Stop()
	for w.crew.promises.Asked() < w.crew.load.Most {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
			if err := w.step(context.WithoutCancel(ctx)); err != nil {
				w.crew.fail(err)
			}
		}
	}
}

// step is one change: of a hundred, 98 are messages: the stand-in stores those in batches.
func (w *writer) step(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sendWait)
	defer cancel()
	switch n := w.dice.IntN(100); {
	case n == 0 && w.last != nil:
		return w.update(ctx)
	case n == 1 && w.last != nil:
		return w.remove(ctx)
	default:
		return w.send(ctx)
	}
}

func (w *writer) send(ctx context.Context) error {
	send := w.user.Send
	if w.socket != nil {
		send = w.socket.Send
	}
	draft := client.Draft{ConversationID: w.room, Body: w.crew.body(), ClientMsgID: id.New()}
	w.crew.promises.Creating(draft.ClientMsgID)
	begin := time.Now()
	if w.socket == nil {
		w.crew.tries.wanted.Add(1)
	}
	ctx, made := counting(ctx)
	m, err := send(ctx, draft)
	if err != nil {
		return fmt.Errorf("a send failed: %w", err)
	}
	w.crew.promises.Created(m)
	if m.CreatedAt.Sub(begin).Abs() > misdated {
		w.crew.misdated.Add(1)
	}
	w.last, w.revision = &m, 0
	if w.socket == nil {
		w.crew.took(time.Since(begin), made.Load())
	}
	return nil
}

// misdated is above all waits for an answer.
const misdated = 5 * time.Minute

func (c *crew) body() string {
	const words = "Is anybody there? "
	return strings.Repeat(words, 1+c.load.Body/len(words))
}

func (w *writer) update(ctx context.Context) error {
	w.revision++
	body := fmt.Sprint("Is anybody there? ", w.revision)
	w.crew.promises.Updating(w.last.ID, body)
	w.crew.tries.wanted.Add(1)
	m, err := w.user.Edit(ctx, w.last.ID, body)
	if err != nil {
		return fmt.Errorf("an edit failed: %w", err)
	}
	w.crew.promises.Updated(m)
	return nil
}

func (w *writer) remove(ctx context.Context) error {
	w.crew.promises.Deleting(w.last.ID)
	w.crew.tries.wanted.Add(1)
	m, err := w.user.Delete(ctx, w.last.ID)
	if err != nil {
		return fmt.Errorf("a deletion failed: %w", err)
	}
	w.crew.promises.Deleted(m)
	w.last = nil
	return nil
}
