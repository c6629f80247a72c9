package realtime

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// oracle is the model: it knows what each user may see of a conversation, and since when.
type oracle struct {
	t     *testing.T
	world *world
	late  time.Duration // that a gateway may go on without knowing of a change of the members

	mu    sync.Mutex
	stays map[[2]string][]stay // by conversation and user
	wrong string               // the first violation
}

// stay is a time in which a user was a member whose history started after one seq.
type stay struct {
	joined     time.Time // when she became a member; a stay may begin later, when she cleared her history
	begun, end time.Time // a zero end: it lasts
	from       int64
	version    int64 // of the removal that ended it
}

func (o *oracle) fail(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.wrong == "" {
		o.wrong = fmt.Sprintf(format, args...)
		o.t.Errorf("at %s: %s", time.Now().UTC().Format("15:04:05.000"), o.wrong)
	}
}

func (o *oracle) failed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.wrong != ""
}

// enter begins a stay. It is called before the gateways can know.
func (o *oracle) enter(conversationID, userID string, from int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key, now := [2]string{conversationID, userID}, time.Now()
	next := stay{joined: now, begun: now, from: from}
	stays := o.stays[key]
	if n := len(stays); n > 0 && stays[n-1].end.IsZero() {
		stays[n-1].end, next.joined = now, stays[n-1].joined
	}
	o.stays[key] = append(stays, next)
}

// leave ends a stay. It is called after the version of the members has changed.
func (o *oracle) leave(conversationID, userID string, version int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	stays := o.stays[[2]string{conversationID, userID}]
	stays[len(stays)-1].end, stays[len(stays)-1].version = time.Now(), version
}

// last returns a user's present or last stay, which is zero where she never was a member.
func (o *oracle) last(conversationID, userID string) stay {
	o.mu.Lock()
	defer o.mu.Unlock()
	if stays := o.stays[[2]string{conversationID, userID}]; len(stays) > 0 {
		return stays[len(stays)-1]
	}
	return stay{}
}

func (o *oracle) member(conversationID, userID string) bool {
	s := o.last(conversationID, userID)
	return !s.joined.IsZero() && s.end.IsZero()
}

// out reports whether a removal of the version has ended the user's last stay: no later one can make it void.
func (o *oracle) out(conversationID, userID string, version int64) bool {
	s := o.last(conversationID, userID)
	return !s.end.IsZero() && version >= s.version
}

// mayHear reports whether she may have been given a message of the seq at a time: she was a member then, or a gateway may think so.
func (o *oracle) mayHear(conversationID, userID string, seq int64, at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.stays[[2]string{conversationID, userID}], func(s stay) bool {
		return s.from < seq && (s.end.IsZero() || !s.end.Add(o.late).Before(at))
	})
}

// event returns the event of a rev.
func (o *oracle) event(conversationID string, rev int64) (chat.Event, bool) {
	o.world.mu.Lock()
	defer o.world.mu.Unlock()
	events := o.world.conversations[conversationID].events
	if rev < 1 || rev > int64(len(events)) {
		return chat.Event{}, false
	}
	return events[rev-1], true
}

func (o *oracle) events(conversationID string) []chat.Event {
	o.world.mu.Lock()
	defer o.world.mu.Unlock()
	return slices.Clone(o.world.conversations[conversationID].events)
}

// skipped returns the first event above after and below before that is missing: the user may see it. A member's history never starts
// earlier than it did, so what she may see now she might have seen at any time.
func (o *oracle) skipped(conversationID, userID string, after, before int64) (chat.Event, bool) {
	from := o.last(conversationID, userID).from
	for rev := after + 1; rev < before; rev++ {
		if e, _ := o.event(conversationID, rev); e.Message.Seq > from {
			return e, true
		}
	}
	return chat.Event{}, false
}

// feed answers as message-svc does to a user: a false ok is a refusal.
func (o *oracle) feed(conversationID, userID string, after int64) (events []chat.Event, ok bool) {
	s := o.last(conversationID, userID)
	if s.joined.IsZero() || !s.end.IsZero() {
		return nil, false
	}
	for _, e := range o.events(conversationID) {
		if e.Rev > after && e.Message.Seq > s.from {
			events = append(events, e)
		}
	}
	return events, true
}
