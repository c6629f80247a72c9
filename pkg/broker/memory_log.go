package broker

import (
	"cmp"
	"slices"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// memoryLog is the log of one conversation, in order of rev.
type memoryLog struct {
	events  []chat.Event
	bytes   int
	touched time.Time
}

// add returns by how many bytes the log has grown.
func (l *memoryLog) add(e chat.Event) int {
	before := l.bytes
	l.touched = time.Now()
	at, known := slices.BinarySearchFunc(l.events, e.Rev, func(x chat.Event, rev int64) int { return cmp.Compare(x.Rev, rev) })
	if !known {
		e.Message = l.newest(at, e.Message)
		l.events = slices.Insert(l.events, at, e)
		l.bytes += len(e.Message.Body)
	}
	if e.Type != chat.MessageCreated {
		l.replace(e.Message)
	}
	l.trim()
	return l.bytes - before
}

// newest returns the newest state of a message whose event is put in at a place: a change may have come before it.
func (l *memoryLog) newest(at int, m *chat.Message) *chat.Message {
	for _, later := range l.events[at:] {
		if later.Message.ID == m.ID && later.Message.Rev > m.Rev {
			m = later.Message
		}
	}
	return m
}

// replace puts the message's new state into the events that hold an older one.
func (l *memoryLog) replace(m *chat.Message) {
	for i, e := range l.events {
		if e.Message.ID == m.ID && e.Message.Rev < m.Rev {
			l.bytes += len(m.Body) - len(e.Message.Body)
			l.events[i].Message = m
		}
	}
}

func (l *memoryLog) trim() {
	drop := 0
	for drop < len(l.events) && (len(l.events)-drop > LogEntries || l.bytes > LogBytes) {
		l.bytes -= len(l.events[drop].Message.Body)
		drop++
	}
	clear(l.events[:drop]) // the messages must not live on in the array behind the slice
	l.events = l.events[drop:]
}

func (l *memoryLog) after(rev int64) []chat.Event {
	from, _ := slices.BinarySearchFunc(l.events, rev+1, func(x chat.Event, rev int64) int { return cmp.Compare(x.Rev, rev) })
	return slices.Clone(l.events[from:])
}
