package client

import (
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// FromNow joins a conversation without its past.
const FromNow int64 = -1

// room is a joined conversation. All but its first two fields are guarded by the Socket's lock.
type room struct {
	id   string
	left atomic.Bool // by the user: nothing more of it is handed over

	last     int64        // rev of the last event that was passed on; FromNow until the server names one
	skipped  []span       // of revs below last that never came, at most maxSkipped
	floor    int64        // what comes at or below it was read from the feed, and is no duplicate
	behind   bool         // its feed is being read; what comes meanwhile is held
	feed     int64        // while behind: read up to here
	target   int64        // while behind: everything above it is held, so the feed has to get here
	held     []chat.Event // while behind
	mustJoin bool         // while behind: the server has put the socket out, or may have
	attempts int          // to join, in a row
}

// span is a range of revs, both ends in it.
type span struct{ first, last int64 }

// maxSkipped bounds what is remembered of revs that were skipped.
const maxSkipped = 16

// pass moves last to rev. It returns false for an event that was passed on before.
func (r *room) pass(rev int64) bool {
	if rev <= r.last {
		return r.fill(rev)
	}
	if rev > r.last+1 {
		r.skipped = append(r.skipped, span{r.last + 1, rev - 1})
		r.skipped = r.skipped[max(0, len(r.skipped)-maxSkipped):]
	}
	r.last = rev
	return true
}

// reach moves last to rev, which is known to be all there is: nothing between was skipped.
func (r *room) reach(rev int64) { r.last = max(r.last, rev) }

// fill takes a rev out of those skipped; false where it is not among them.
func (r *room) fill(rev int64) bool {
	i := r.gapOf(rev)
	if i < 0 {
		return false
	}
	gap := r.skipped[i]
	rest := append([]span{}, r.skipped[:i]...)
	if gap.first < rev {
		rest = append(rest, span{gap.first, rev - 1})
	}
	if rev < gap.last {
		rest = append(rest, span{rev + 1, gap.last})
	}
	r.skipped = append(rest, r.skipped[i+1:]...)
	return true
}

func (r *room) gapOf(rev int64) int {
	for i, gap := range r.skipped {
		if gap.first <= rev && rev <= gap.last {
			return i
		}
	}
	return -1
}

// Join has a conversation's events handed over: those behind the event of rev after, and what comes; zero: all there ever were; FromNow: what
// comes. It goes on over all connections, from the last event that was handed over, until Leave, OnRefused, or the user's own
// member.removed. Joining what is joined does nothing. The server takes 500 joins on a socket, and refuses more with too_many_joined.
func (s *Socket) Join(conversationID string, after int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms[conversationID] != nil {
		return
	}
	r := &room{id: conversationID, last: after}
	s.rooms[conversationID] = r
	if c := s.conn; c != nil && !c.leaving[r.id] {
		s.join(c, r, false)
	}
}

func (s *Socket) forget(r *room) {
	s.letGo(r)
	delete(s.rooms, r.id)
}

// has reports whether the room is still joined.
func (s *Socket) has(r *room) bool { return s.rooms[r.id] == r }

// letGo drops what the room holds.
func (s *Socket) letGo(r *room) {
	s.held -= len(r.held)
	r.held = nil
}

// join asks the server for the events after the room's last. Where the connection is new it counts towards Rejoined.
func (s *Socket) join(c *connection, r *room, again bool) {
	cmd := command{Type: "join", Conversation: r.id}
	if last := r.last; last != FromNow {
		cmd.Rev = &last
	}
	c.say(cmd, func(f frame) {
		waits := s.joined(c, r, again, f)
		if !again || waits {
			return
		}
		s.rejoined(c)
	})
}

func (s *Socket) rejoined(c *connection) {
	if c.rejoining--; c.rejoining == 0 && c.userID != "" {
		s.report(c.number, Rejoined, nil)
	}
}

// joined takes the answer to a join. It returns true where the join will be tried again.
func (s *Socket) joined(c *connection, r *room, again bool, f frame) bool {
	refusal := f.refusal()
	switch {
	case !s.has(r):
	case f.Joined != nil:
		r.attempts = 0
		if r.last == FromNow {
			r.last, r.floor = f.Joined.Rev, f.Joined.Rev
		}
		s.queue.put(item{r, Joined{ConversationID: r.id, Rev: f.Joined.Rev}})
	case c.userID == "": // the token was refused, and the connection ends
	case passes(refusal) || f.Code == "internal":
		r.attempts++
		time.AfterFunc(pauseAfter(refusal, r.attempts), func() { s.joinAgain(c, r, again) })
		return true
	case refusal != nil:
		s.refuse(r, refusal)
	}
	return false
}

func (s *Socket) joinAgain(c *connection, r *room, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.conn != c:
	case s.has(r):
		s.join(c, r, again)
	case again:
		s.rejoined(c)
	}
}

// refuse ends a Join for the server.
func (s *Socket) refuse(r *room, err error) {
	s.forget(r)
	s.queue.put(item{value: Refused{ConversationID: r.id, Err: err}})
}
