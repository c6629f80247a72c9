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
	endWait      = 10 * time.Second // at the end, for the next message to be sent
)

// talk is a person at a screen. One goroutine, loop, has all but its first fields.
type talk struct {
	client *client.Client
	socket *client.Socket
	screen screen
	me     client.Profile
	posts  chan func(ctx context.Context) // what the socket heard, for loop
	tasks  chan func(ctx context.Context) // sends and the like, one after the other

	next      func(ctx context.Context) // a send that found no room among the tasks: lines wait behind it; nil: none
	unsent    int                       // messages that are neither stored nor refused, as far as is known
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

// chatAs lets the user talk until she ends it. It returns an error where the server ends it, or where messages were not sent.
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
	if err == nil {
		err = t.finish(ctx, ended)
	}
	cancel()
	parts.Wait()
	if t.unsent > 0 {
		err = errors.Join(err, fmt.Errorf("as far as is known, %d of your messages were not sent", t.unsent))
	}
	return err
}

// finish waits until all is sent, for as long as that gets on. It returns an error where the server ends it.
func (t *talk) finish(ctx context.Context, ended <-chan error) error {
	patience := time.NewTimer(endWait)
	defer patience.Stop()
	done := make(chan struct{})
	tasks, left := t.tasks, t.unsent
	for {
		select {
		case tasks <- func(context.Context) { close(done) }:
			tasks = nil
		case post := <-t.posts:
			post(ctx)
		case <-done:
			return nil
		case err := <-ended:
			return endedBy(err)
		case <-patience.C:
			return nil
		case <-ctx.Done():
			return nil
		}
		if t.unsent < left {
			left = t.unsent
			patience.Reset(endWait)
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

// loop does what the lines say, and what the socket hears, until the lines end. It returns an error where the server ends it.
func (t *talk) loop(ctx context.Context, lines <-chan string, ended <-chan error) error {
	for {
		input, tasks := lines, t.tasks
		if t.next == nil {
			tasks = nil
		} else {
			input = nil
		}
		select {
		case line, more := <-input:
			if !more || !t.do(ctx, line) {
				return nil
			}
		case tasks <- t.next:
			t.next = nil
		case post := <-t.posts:
			post(ctx)
		case err := <-ended:
			return endedBy(err)
		case <-ctx.Done():
			return nil
		}
	}
}

// endedBy returns what the user has to know of the socket's end.
func endedBy(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("the server ended the session: %w", err)
}

// later has a task done behind those that wait; false where too many do.
func (t *talk) later(task func(ctx context.Context)) bool {
	select {
	case t.tasks <- task:
		return true
	default:
		return false
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
