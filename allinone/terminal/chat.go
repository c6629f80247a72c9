package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// Bounds of what is kept and shown.
const (
	inboxShown   = 20 // conversations
	historyShown = 20 // messages
	maxTasks     = 100
	endWait      = 10 * time.Second // for what is still to be sent
)

// talk is a person at a screen. One goroutine, loop, has all but its first fields.
type talk struct {
	client *client.Client
	socket *client.Socket
	screen screen
	me     client.Profile
	posts  chan func(ctx context.Context) // what the socket heard, for loop
	tasks  chan func(ctx context.Context) // sends and the like, one after the other

	open      *opened
	listed    []client.Conversation // by the number that /open takes, less one
	names     map[string]string     // of users, fit to print
	announced map[string]int64      // by conversation: rev of the last message that was told of
	lost      bool                  // it was told that there is no connection
}

// opened is the conversation on the screen.
type opened struct {
	conversation client.Conversation
	title        string
	shown        bool                   // its history is on the screen
	messages     map[int64]chat.Message // by seq, what is on the screen
	readTo       atomic.Int64           // seq up to which the user has read
	marking      atomic.Bool            // a task will say so
}

// chatAs lets the user talk until she ends it. It returns an error where the server ends it.
func chatAs(ctx context.Context, c *client.Client, me client.Profile, s screen) error {
	t := &talk{
		client: c, screen: s, me: me, posts: make(chan func(context.Context)), tasks: make(chan func(context.Context), maxTasks),
		names: map[string]string{me.ID: "You"}, announced: map[string]int64{},
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.socket = c.Socket(t.handlers(ctx))
	ended := make(chan error, 1)
	var parts sync.WaitGroup
	parts.Go(func() { ended <- t.socket.Run(ctx) })
	parts.Go(func() { t.work(ctx) })
	t.say("Hello, %s. /help lists the commands.", plain(me.FirstName))
	t.inbox(ctx)
	err := t.loop(ctx, t.read(ctx), ended)
	t.finish(ctx, cancel)
	parts.Wait()
	return err
}

// finish gives what waits to be sent a moment, then ends everything.
func (t *talk) finish(ctx context.Context, cancel context.CancelFunc) {
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, endWait)
	defer stop()
	done := make(chan struct{})
	tasks := t.tasks
	for {
		select {
		case tasks <- func(context.Context) { close(done) }:
			tasks = nil
		case post := <-t.posts:
			post(ctx)
		case <-done:
			return
		case <-ctx.Done():
			return
		}
	}
}

// work does the tasks one by one.
func (t *talk) work(ctx context.Context) {
	for {
		select {
		case task := <-t.tasks:
			task(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// read reads lines until the end. It is left behind in a read where the talk ends otherwise.
func (t *talk) read(ctx context.Context) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for {
			line, err := t.screen.line("> ")
			if err != nil {
				return
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

func (t *talk) loop(ctx context.Context, lines <-chan string, ended <-chan error) error {
	for {
		select {
		case line, more := <-lines:
			if !more || !t.do(ctx, line) {
				return nil
			}
		case post := <-t.posts:
			post(ctx)
		case err := <-ended:
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return fmt.Errorf("the server ended the session: %w", err)
		case <-ctx.Done():
			return nil
		}
	}
}

// later has a task done behind those that wait.
func (t *talk) later(task func(ctx context.Context)) {
	select {
	case t.tasks <- task:
	default:
		t.say("Too much waits to be sent. Try again in a moment.")
	}
}

// post hands over to loop what was heard or done elsewhere.
func (t *talk) post(ctx context.Context, f func(ctx context.Context)) {
	select {
	case t.posts <- f:
	case <-ctx.Done():
	}
}

// say prints a line.
func (t *talk) say(format string, args ...any) {
	_, _ = io.WriteString(t.screen, fmt.Sprintf(format, args...)+"\n") // where nobody reads any more the input ends, too
}

// failed tells what went wrong.
func (t *talk) failed(what string, err error) {
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Detail != "" {
		t.say("%s: %s", what, plain(refused.Detail))
		return
	}
	t.say("%s: %s", what, plain(err.Error()))
}
