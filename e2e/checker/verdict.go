package checker

import (
	"fmt"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// Verdict counts what must not happen. Lost, doubled and reordered are counted twice: on the raw frames of each connection, and on what
// the client hands over.
type Verdict struct {
	Acknowledged, Deliveries int64
	Lost, Doubled, Reordered Count
	Differing                int64 // events that two readers saw with different messages
	Invented                 int64 // events that nobody asked for, or that came before that
	Sparse                   int64 // messages whose seq is not one above that of the message before
	Stale                    int64 // messages whose last state is not the last one acknowledged
	Dropped, OutOfTurn       int64 // events that the client had to drop, or to put in order
	Resyncs                  int64 // frames; they are no fault
	Slowest                  time.Duration
	Problems                 []string // the first few, in words
}

// Count is a count of raw frames, and one behind the client.
type Count struct{ Raw, Client int64 }

const maxProblems = 10

// OK reports whether nothing happened that must not.
func (v *Verdict) OK() bool {
	var none Count
	return v.Lost == none && v.Doubled == none && v.Reordered == none &&
		v.Differing+v.Invented+v.Sparse+v.Stale+v.Dropped+v.OutOfTurn == 0
}

func (v *Verdict) problem(format string, args ...any) {
	if len(v.Problems) < maxProblems {
		v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
	}
}

// Add adds what a reader's raw frames showed, and what its client had to drop or to put in order.
func (v *Verdict) Add(t *Trail, dropped, outOfTurn int64) {
	v.Lost.Raw += t.Lost
	v.Doubled.Raw += t.Doubled
	v.Reordered.Raw += t.Reordered
	v.Resyncs += t.Resyncs
	v.Dropped += dropped
	v.OutOfTurn += outOfTurn
}

// Judge adds how the histories compare with the promises.
func (v *Verdict) Judge(p *Promises, histories []History) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, kept := range p.kept {
		v.Acknowledged += int64(len(kept))
	}
	messages := map[string]map[int64]string{} // by conversation and rev: the message that the first reader saw
	for i, h := range histories {
		if messages[h.ConversationID] == nil {
			messages[h.ConversationID] = map[int64]string{}
		}
		r := newReading(v, i)
		for _, s := range h.sights {
			r.take(s, p.asked)
		}
		r.requireDense()
		r.same(messages[h.ConversationID])
		r.requireKept(p.kept[h.ConversationID], h.Patient)
	}
	for conversation, kept := range p.kept {
		if messages[conversation] == nil {
			v.Lost.Client += int64(len(kept))
			v.problem("nobody read conversation %s, in which %d changes were acknowledged", conversation, len(kept))
		}
	}
}

// reading goes through what one reader saw of a conversation.
type reading struct {
	*Verdict
	reader  int
	last    int64                   // rev
	sights  map[int64]sight         // by rev
	ids     map[string]string       // message ids by client_msg_id
	states  map[string]chat.Message // by message id: that of the highest rev
	changes map[wish]int            // how often each change was seen as such
}

func newReading(v *Verdict, reader int) *reading {
	return &reading{
		Verdict: v, reader: reader,
		sights: map[int64]sight{}, ids: map[string]string{}, states: map[string]chat.Message{}, changes: map[wish]int{},
	}
}

func (r *reading) take(s sight, asked map[wish]time.Time) {
	r.Deliveries++
	m := s.Message
	_, twice := r.sights[s.Rev]
	first, again := r.ids[m.ClientMsgID]
	since, known := asked[s.wish()]
	switch {
	case twice:
		r.Doubled.Client++
		r.problem("reader %d got rev %d twice", r.reader, s.Rev)
	case s.Type == chat.MessageCreated && again && first != m.ID:
		r.Doubled.Client++
		r.problem("reader %d got messages %s and %s of one send", r.reader, first, m.ID)
	case m.Rev == s.Rev && s.Type != chat.MessageCreated && r.changes[s.wish()] > 0:
		r.Doubled.Client++
		r.problem("reader %d got one change of message %s twice, now as rev %d", r.reader, m.ID, s.Rev)
	case s.Rev < r.last:
		r.Reordered.Client++
		r.problem("reader %d got rev %d after %d", r.reader, s.Rev, r.last)
	case !known || s.at.Before(since):
		r.Invented++
		r.problem("reader %d got rev %d, which nobody had asked for", r.reader, s.Rev)
	}
	r.keep(s)
}

func (r *reading) keep(s sight) {
	m := *s.Message
	if s.Type == chat.MessageCreated {
		r.ids[m.ClientMsgID] = m.ID
	} else if m.Rev == s.Rev {
		r.changes[s.wish()]++
	}
	if m.Rev >= r.states[m.ID].Rev {
		r.states[m.ID] = m
	}
	r.sights[s.Rev] = s
	r.last = max(r.last, s.Rev)
}

// requireDense counts holes in the revs, and where there are none, in the seqs.
func (r *reading) requireDense() {
	var seq int64
	whole := true // since the message before
	for rev := int64(1); rev <= r.last; rev++ {
		s, ok := r.sights[rev]
		if !ok {
			r.Lost.Client++
			r.problem("reader %d lacks rev %d", r.reader, rev)
			whole = false
			continue
		}
		if s.Type != chat.MessageCreated {
			continue
		}
		if whole && s.Message.Seq != seq+1 {
			r.Sparse++
			r.problem("reader %d got seq %d after %d", r.reader, s.Message.Seq, seq)
		}
		seq, whole = s.Message.Seq, true
	}
}

// same compares the reader with those before.
func (r *reading) same(messages map[int64]string) {
	for rev, s := range r.sights {
		before, ok := messages[rev]
		if ok && before != s.Message.ID {
			r.Differing++
			r.problem("reader %d got message %s as rev %d, another one %s", r.reader, s.Message.ID, rev, before)
		}
		messages[rev] = s.Message.ID
	}
}

// requireKept looks for each acknowledged change, how long after its answer it came, and whether the last one of each message stands.
func (r *reading) requireKept(kept []kept, patient bool) {
	newest := map[string]chat.Message{}
	for _, k := range kept {
		if k.message.Rev > newest[k.message.ID].Rev {
			newest[k.message.ID] = k.message
		}
		s, ok := r.sights[k.message.Rev]
		if !ok || s.Message.ID != k.message.ID || s.Type != k.event {
			r.Lost.Client++
			r.problem("reader %d lacks %s of message %s, acknowledged as rev %d", r.reader, k.event, k.message.ID, k.message.Rev)
			continue
		}
		if !patient {
			r.Slowest = max(r.Slowest, s.at.Sub(k.at))
		}
	}
	for id, want := range newest {
		// A change above it is one whose answer its writer did not wait for: take has looked whether it was asked for.
		if got, ok := r.states[id]; ok && got.Rev <= want.Rev && (got.Body != want.Body || (got.DeletedAt == nil) != (want.DeletedAt == nil)) {
			r.Stale++
			r.problem("reader %d ends with message %s as rev %d, and rev %d was acknowledged", r.reader, id, got.Rev, want.Rev)
		}
	}
}
