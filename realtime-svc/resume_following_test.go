package realtime

import (
	"slices"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// following is what a device keeps of a conversation, and what it knows of its subscription on the present connection.
type following struct {
	device *device
	id     string

	known    bool  // base and rev are
	base     int64 // the device asked for no history up to it
	rev      int64 // of the last event
	got      []int64
	messages map[string]chat.Message

	live     bool  // events may come
	unsure   bool  // and may not: the device joins again
	position int64 // of the subscription: its next event is above
	asking   *ask  // a join that is not answered yet
	leaving  bool  // a leave is
}

// ask is a join on its way.
type ask struct {
	resume bool
	rev    int64
	sent   time.Time
	begun  bool // its replay has
	waived bool // a resync told of a hole, and the feed filled it
	void   bool // the user was removed: nothing may come unless she is added again
}

func (f *following) connected() {
	f.live, f.unsure, f.position, f.asking, f.leaving = false, false, 0, nil, false
}

// join joins after the device's rev, or anew. Joining again is allowed.
func (f *following) join(resume bool) {
	if f.asking != nil || f.leaving {
		return
	}
	command := map[string]any{"type": "join", "conversation": f.id}
	if resume {
		command["rev"] = f.rev
	}
	f.asking = &ask{resume: resume, rev: f.rev, sent: time.Now()}
	f.device.ask(command, f.answered)
}

func (f *following) answered(s said) {
	asked := f.asking
	f.asking = nil
	switch {
	case s.Type == "error":
		f.refused(s.Code, asked)
		return
	case s.Joined == nil || s.Joined.ConversationID != f.id:
		f.fail("%+v is no answer to a join", s)
		return
	case !asked.resume:
		f.base, f.known, f.got, f.messages = s.Joined.Rev, true, nil, map[string]chat.Message{}
	case !asked.waived:
		if !asked.begun { // nothing came since, or what did may be the replay or of the subscription before
			f.position = max(f.position, asked.rev)
		}
		f.requireNone(f.position, s.Joined.Rev+1, "joined")
	}
	f.live, f.unsure, f.position = true, false, s.Joined.Rev
	f.rev = max(f.rev, s.Joined.Rev)
	if !asked.resume {
		f.rev = s.Joined.Rev
	}
}

// refused leaves it open whether a subscription before goes on.
func (f *following) refused(code string, asked *ask) {
	f.unsure = true
	switch code {
	case "service_unavailable", "stopping", "members_changing":
	case "conversation_not_found":
		s := f.device.walk.oracle.last(f.id, f.device.userID)
		if s.end.IsZero() && s.joined.Before(asked.sent) {
			f.fail("a member's join is refused")
		}
	default:
		f.fail("a join with rev %d is refused with %s", asked.rev, code)
	}
}

func (f *following) leave() {
	if f.asking != nil || f.leaving || !f.live {
		return
	}
	f.leaving = true
	f.device.ask(map[string]any{"type": "leave", "conversation": f.id}, func(said) { f.leaving, f.live = false, false })
}

// replays reports whether a join that is not answered yet may bring events.
func (f *following) replays() bool {
	return f.asking != nil && f.asking.resume && (!f.asking.void || f.device.walk.oracle.member(f.id, f.device.userID))
}

// removed notes that the user was removed.
func (f *following) removed() {
	f.live = false
	if f.asking != nil {
		f.asking.void = true
	}
}

// event takes an event from the socket. One that the device has had from the feed is no second one.
func (f *following) event(s said) {
	e, ok := f.device.walk.oracle.event(f.id, s.Rev)
	switch {
	case !ok || s.Message == nil || s.Message.ID != e.Message.ID || s.Message.Seq != e.Message.Seq || s.Message.Rev < s.Rev || s.Type != e.Type:
		f.fail("received %.100v, and the event is %.100v", s, e)
		return
	case !f.live && !f.replays():
		f.fail("received rev %d without a subscription", s.Rev)
	case !f.device.walk.oracle.mayHear(f.id, f.device.userID, s.Message.Seq, f.device.sent()):
		f.fail("received rev %d of seq %d, which the user may not see", s.Rev, s.Message.Seq)
	}
	if a := f.asking; a != nil && a.resume && !a.begun && (!f.live || s.Rev <= f.position) {
		a.begun, f.live, f.position = true, true, a.rev
	}
	if s.Rev <= f.position {
		f.fail("received rev %d after rev %d", s.Rev, f.position)
	}
	f.position = s.Rev
	f.apply(chat.Event{Rev: s.Rev, Message: s.Message})
}

func (f *following) apply(e chat.Event) {
	if !f.known || e.Rev <= f.rev {
		return
	}
	f.requireNone(f.rev, e.Rev, "received")
	f.rev = e.Rev
	f.got = append(f.got, e.Rev)
	if e.Message.Rev > f.messages[e.Message.ID].Rev {
		f.messages[e.Message.ID] = *e.Message
	}
}

// resync reads the feed, and joins again where the subscription has ended.
func (f *following) resync(live bool) {
	f.device.walk.resyncs.Add(1)
	switch {
	case !live:
		f.live = false
	case f.asking == nil:
		f.fail("a resync that keeps the subscription comes without a join")
	default:
		f.asking.waived = true
	}
	for !f.device.walk.feedUp() {
		f.device.sleep(200 * time.Millisecond)
	}
	events, ok := f.device.walk.oracle.feed(f.id, f.device.userID, f.rev)
	if !ok {
		f.device.broken = true // she was removed meanwhile: the next connection tells
		return
	}
	for _, e := range events {
		f.apply(e)
	}
	f.join(f.known)
}

// overhear takes what members alone may hear.
func (f *following) overhear(s said) {
	if !f.device.walk.oracle.mayHear(f.id, f.device.userID, 1<<53, f.device.sent()) || !f.live && f.asking == nil {
		f.fail("received %+v without a subscription", s)
	}
}

// cut keeps what the device got first.
func (f *following) cut(n int) {
	f.rev = f.got[n]
	f.got = f.got[:n+1]
	for id, m := range f.messages {
		if m.Rev > f.rev {
			delete(f.messages, id)
		}
	}
}

func (f *following) requireNone(after, before int64, by string) {
	if e, missed := f.device.walk.oracle.skipped(f.id, f.device.userID, after, before); missed {
		f.fail("%s rev %d after rev %d: rev %d of seq %d is skipped", by, before, after, e.Rev, e.Message.Seq)
	}
}

func (f *following) fail(format string, args ...any) {
	args = slices.Concat([]any{f.device.name, f.id}, args)
	f.device.walk.oracle.fail("%s in %s: "+format, args...)
}
