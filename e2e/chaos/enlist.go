package chaos

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/confab-chat/confab/pkg/client"
)

const registering = 4 // users at a time: the server hashes a password for each

// enlist registers users and opens rooms.
func enlist(ctx context.Context, url string, load Load, seed uint64) (*crew, error) {
	load.Most = cmp.Or(load.Most, mostChanges)
	c := &crew{load: load, seed: seed, tag: strings.ToLower(rand.Text()), tries: newTries()}
	if err := c.register(ctx, url, max(2, (load.Readers+load.Crowd)/socketsEach, load.Writers)); err != nil {
		return nil, err
	}
	c.renewed.Store(0) // Register counts too
	err := c.open(ctx)
	return c, err
}

const password = "correct horse"

func (c *crew) emailOf(user int) string { return fmt.Sprintf("user%d.%s@example.com", user, c.tag) }

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
				Email: c.emailOf(i), Password: password, FirstName: "User", LastName: fmt.Sprint(i),
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
