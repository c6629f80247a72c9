package realtime

import "github.com/confab-chat/confab/pkg/chat"

// maxWaiting bounds the events that wait in one conversation for an earlier one. What does not fit is fetched later.
const maxWaiting = 1000

// sequencer puts the events of one conversation in order: each rev passes once, after the one below it.
type sequencer struct {
	placed  bool                 // last is known
	last    int64                // the newest rev that passed
	newest  int64                // the highest rev known to exist
	waiting map[int64]chat.Event // above last+1
}

// place says that the events up to rev are history. It returns those that waited for that.
func (q *sequencer) place(rev int64) []chat.Event {
	q.placed, q.last = true, rev
	q.newest = max(q.newest, rev)
	for known := range q.waiting {
		if known <= rev {
			delete(q.waiting, known)
		}
	}
	return q.pass(nil)
}

// add returns the events that pass now, in order: e and those that waited for it, or none.
func (q *sequencer) add(e chat.Event) []chat.Event {
	q.newest = max(q.newest, e.Rev)
	switch {
	case q.placed && e.Rev <= q.last:
		return nil
	case q.placed && e.Rev == q.last+1:
		q.last++
		return q.pass([]chat.Event{e})
	case len(q.waiting) < maxWaiting:
		if q.waiting == nil {
			q.waiting = map[int64]chat.Event{}
		}
		q.waiting[e.Rev] = e
	}
	return nil
}

func (q *sequencer) pass(passed []chat.Event) []chat.Event {
	for {
		e, ok := q.waiting[q.last+1]
		if !ok {
			return passed
		}
		delete(q.waiting, e.Rev)
		q.last++
		passed = append(passed, e)
	}
}

// note says that rev exists.
func (q *sequencer) note(rev int64) { q.newest = max(q.newest, rev) }

// gap reports whether an event is missing.
func (q *sequencer) gap() bool { return q.placed && q.newest > q.last }
