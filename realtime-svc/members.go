package realtime

import (
	"maps"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
)

// memberSet is who is in a conversation, as of a version. Events move it by one version at a time; where one is missing, the
// set is stale until it is fetched again.
type memberSet struct {
	loaded   bool
	version  int64
	newest   int64            // the highest version known to exist
	fromSeqs map[string]int64 // by member: her history starts after it
}

// stale reports whether the set must be fetched before anybody is let in.
func (m *memberSet) stale() bool { return !m.loaded || m.newest > m.version }

// note takes a version that exists.
func (m *memberSet) note(version int64) { m.newest = max(m.newest, version) }

// change applies the next event. It returns false for an old one, and for one that comes after a gap.
func (m *memberSet) change(e chat.MemberEvent) bool {
	m.note(e.Version)
	if !m.loaded || e.Version != m.version+1 {
		return false
	}
	m.version++
	switch e.Type {
	case chat.MemberAdded:
		m.fromSeqs[e.UserID] = e.FromSeq
	case chat.MemberCleared:
		if from, in := m.fromSeqs[e.UserID]; in {
			m.fromSeqs[e.UserID] = max(from, e.FromSeq)
		}
	case chat.MemberRemoved:
		delete(m.fromSeqs, e.UserID)
	}
	return true
}

// replace takes a set that was fetched, unless it is older than this one. It returns, as events of the set's version, what changed.
func (m *memberSet) replace(set peer.MemberSet) []chat.MemberEvent {
	if m.loaded && set.Version < m.version {
		return nil
	}
	fetched := maps.Clone(set.FromSeqs)
	if fetched == nil {
		fetched = map[string]int64{}
	}
	changes := m.changes(set.ConversationID, set.Version, fetched)
	m.loaded, m.version, m.fromSeqs = true, set.Version, fetched
	m.note(set.Version)
	return changes
}

// vanish empties the set: the conversation does not exist any more.
func (m *memberSet) vanish(conversationID string) []chat.MemberEvent {
	return m.replace(peer.MemberSet{ConversationID: conversationID, Version: max(m.newest, m.version)})
}

func (m *memberSet) changes(conversationID string, version int64, fetched map[string]int64) []chat.MemberEvent {
	if !m.loaded {
		return nil
	}
	var events []chat.MemberEvent
	for userID := range m.fromSeqs {
		if _, in := fetched[userID]; !in {
			events = append(events, chat.MemberEvent{
				Type: chat.MemberRemoved, ConversationID: conversationID, UserID: userID, Version: version,
			})
		}
	}
	for userID, from := range fetched {
		if _, in := m.fromSeqs[userID]; !in {
			events = append(events, chat.MemberEvent{
				Type: chat.MemberAdded, ConversationID: conversationID, UserID: userID, Version: version, FromSeq: from,
			})
		}
	}
	return events
}
