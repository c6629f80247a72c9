package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// troubles knows why subscriptions fail, by the server's address, and says each thing once.
type troubles struct {
	log *slog.Logger

	mu sync.Mutex
	at map[string]trouble
}

type trouble struct {
	text  string
	came  time.Time     // the last time
	pause time.Duration // before the next link
}

const (
	// retryMax is the longest pause of a link. With retryEvery before it, a subscription is back about a second after Redis is.
	retryMax = 900 * time.Millisecond
	// troubleAge is how long a trouble lasts that does not come again: nobody wants that server any more. A link that somebody wants
	// fails more often, however: it has 2 s to connect, and 5 s to be answered.
	troubleAge = 15 * time.Second
)

// anyServer is the address where no server of a cluster says which of them has a channel.
const anyServer = "any"

// add notes that a link, or the search for its server, has failed, and warns where it is for another reason than the one before.
func (t *troubles) add(ctx context.Context, address string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget()
	before, known := t.at[address]
	now := trouble{text: textOf(err), came: time.Now()}
	if known {
		now.pause = min(2*before.pause+retryEvery, retryMax)
	}
	t.at[address] = now
	if now.text != before.text {
		t.log.WarnContext(ctx, "subscription to Redis failed", "address", address, "error", now.text)
	}
}

// over notes that it works: of a link, a probe has come back, and it has lasted since.
func (t *troubles) over(ctx context.Context, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.at[address]; known {
		delete(t.at, address)
		t.log.InfoContext(ctx, "subscription to Redis works again", "address", address)
	}
}

// pause returns how long a new link has to wait.
func (t *troubles) pause(address string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at[address].pause
}

// latest returns the trouble that came last, nil where there is none.
func (t *troubles) latest() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget()
	var last trouble
	var at string
	for address, now := range t.at {
		if now.came.After(last.came) {
			last, at = now, address
		}
	}
	if at == "" {
		return nil
	}
	return fmt.Errorf("redis at %s: %s", at, last.text)
}

// forget forgets what is too old. The lock is held.
func (t *troubles) forget() {
	for address, now := range t.at {
		if time.Since(now.came) > troubleAge {
			delete(t.at, address)
		}
	}
}

// textOf leaves out our own port, which is another one each time.
func textOf(err error) string {
	if wrong, ok := errors.AsType[*net.OpError](err); ok {
		return wrong.Op + ": " + wrong.Err.Error()
	}
	return err.Error()
}
