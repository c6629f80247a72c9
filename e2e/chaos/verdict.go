package chaos

import (
	"fmt"
	"time"
)

// ack is a message that a writer has a 201 for, or its reply.
type ack struct {
	conversation string
	messageID    string
	clientMsgID  string
	rev          int64
	asked, at    time.Time // when the first try began, and when the answer came
}

// sight is an event as a reader's handler got it.
type sight struct {
	rev         int64
	messageID   string
	clientMsgID string
	at          time.Time
}

// history is all that one reader's handler got of a conversation that it joined before the first message.
type history struct {
	conversation string
	sights       []sight
}

// Verdict counts what must not happen. Lost, doubled and reordered are counted twice: on the raw frames of each connection, and on what
// the client hands over.
type Verdict struct {
	Acked, Deliveries           int64
	Lost, Doubled, Reordered    Count
	Differing                   int64 // events that two readers saw with different messages
	Invented                    int64 // messages that nobody sent, or that came before they were sent
	Resyncs, Dropped, OutOfTurn int64 // of the raw frames; what the client had to drop, or to put in order
	Slowest                     time.Duration
	Problems                    []string // the first few, in words
}

// Count is a count of raw frames, and one behind the client.
type Count struct{ Raw, Client int64 }

const maxProblems = 10

// OK reports whether nothing happened that must not.
func (v *Verdict) OK() bool {
	var none Count
	return v.Lost == none && v.Doubled == none && v.Reordered == none && v.Differing == 0 && v.Invented == 0 && v.Dropped == 0 && v.OutOfTurn == 0
}

func (v *Verdict) problem(format string, args ...any) {
	if len(v.Problems) < maxProblems {
		v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
	}
}

// judge compares what readers saw with what writers were promised. asked holds when each client_msg_id was first sent, acknowledged or not.
func (v *Verdict) judge(acks []ack, asked map[string]time.Time, histories []history) {
	byConversation := map[string][]ack{}
	for _, a := range acks {
		byConversation[a.conversation] = append(byConversation[a.conversation], a)
	}
	v.Acked += int64(len(acks))
	messages := map[string]map[int64]string{} // by conversation and rev: what the first reader saw
	for i, h := range histories {
		if messages[h.conversation] == nil {
			messages[h.conversation] = map[int64]string{}
		}
		seen := v.order(i, h, asked)
		v.same(i, messages[h.conversation], h)
		v.complete(i, byConversation[h.conversation], seen)
	}
}

// order counts what one reader saw twice or behind a later one, what was stored twice, holes, and messages out of nowhere. It returns the
// sights by rev.
func (v *Verdict) order(reader int, h history, asked map[string]time.Time) map[int64]sight {
	seen, stored := map[int64]sight{}, map[string]string{} // sights by rev, message ids by client_msg_id
	var last int64
	for _, s := range h.sights {
		v.Deliveries++
		_, twice := seen[s.rev]
		first, again := stored[s.clientMsgID]
		sent, known := asked[s.clientMsgID]
		switch {
		case twice:
			v.Doubled.Client++
			v.problem("reader %d got rev %d twice", reader, s.rev)
		case again && first != s.messageID:
			v.Doubled.Client++
			v.problem("reader %d got messages %s and %s of one send", reader, first, s.messageID)
		case s.rev < last:
			v.Reordered.Client++
			v.problem("reader %d got rev %d after %d", reader, s.rev, last)
		case !known || s.at.Before(sent):
			v.Invented++
			v.problem("reader %d got rev %d, which nobody had sent", reader, s.rev)
		}
		seen[s.rev], stored[s.clientMsgID] = s, s.messageID
		last = max(last, s.rev)
	}
	for rev := int64(1); rev <= last; rev++ {
		if _, ok := seen[rev]; !ok {
			v.Lost.Client++
			v.problem("reader %d lacks rev %d", reader, rev)
		}
	}
	return seen
}

// same compares the reader with those before.
func (v *Verdict) same(reader int, messages map[int64]string, h history) {
	for _, s := range h.sights {
		before, ok := messages[s.rev]
		if ok && before != s.messageID {
			v.Differing++
			v.problem("reader %d got %s as rev %d, another one %s", reader, s.messageID, s.rev, before)
		}
		messages[s.rev] = s.messageID
	}
}

// complete looks for each acknowledged message, and how long after its acknowledgement it came.
func (v *Verdict) complete(reader int, acks []ack, seen map[int64]sight) {
	for _, a := range acks {
		s, ok := seen[a.rev]
		if !ok || s.messageID != a.messageID {
			v.Lost.Client++
			v.problem("reader %d lacks message %s, acknowledged as rev %d", reader, a.messageID, a.rev)
			continue
		}
		v.Slowest = max(v.Slowest, s.at.Sub(a.at))
	}
}
