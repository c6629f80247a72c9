package realtime

import (
	"context"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/pause"
	"github.com/confab-chat/confab/pkg/peer"
)

var errNotFound = fault.New(fault.NotFound, "conversation_not_found", "There is no such conversation, or you are not in it.")

// change takes an event of the members. A removal and a clearing count for the member's sockets at once, even where events before are
// missing: whatever those say, she is out, or sees no more than that, as of this version. It holds the lock, as do those below unless they
// say so.
func (r *room) change(e chat.MemberEvent) {
	old := e.Version <= r.members.version
	switch next := r.members.change(e); {
	case old:
	case e.Type == chat.MemberCleared:
		r.hide(e.UserID, e.FromSeq)
	case next:
		r.announce([]chat.MemberEvent{e})
	case e.Type == chat.MemberRemoved:
		r.expel(e)
	}
	r.count()
}

// announce tells the sockets of changes that are made. Those who were removed are put out first. A member hears of herself on her own
// channel.
func (r *room) announce(changes []chat.MemberEvent) {
	for _, e := range changes {
		if e.Type == chat.MemberRemoved {
			r.expel(e)
		}
	}
	for _, e := range changes {
		r.tell(&broadcast{kind: e.Type, class: eventful, body: e}, e.UserID)
	}
}

// hide hides a conversation's past from a member who cleared it.
func (r *room) hide(userID string, fromSeq int64) {
	for s := range r.joined {
		if s.userID == userID {
			s.fromSeq = max(s.fromSeq, fromSeq)
		}
	}
}

// expel puts the user's sockets out, and tells them.
func (r *room) expel(e chat.MemberEvent) {
	for s := range r.joined {
		if s.userID == e.UserID && s.detach() {
			s.session.removed(e)
			r.hub.giveBack(s)
		}
	}
}

// membersStandAt compares the version with conversation-svc's. It takes the lock.
func (r *room) membersStandAt(version int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members.note(version)
	r.count()
}

// count sees to it that a stale member set is fetched.
func (r *room) count() {
	if r.counting || !r.members.loaded || !r.members.stale() {
		return
	}
	r.counting = true
	r.hub.background.Go(func() {
		for wait := time.Duration(0); pause.For(r.ctx, wait) && !r.counted(); wait = min(2*wait+retryFirst, retryMax) {
			if err := r.fetchMembers(r.ctx); err != nil {
				r.hub.failed(r.ctx, "members not fetched", err)
			}
		}
	})
}

// fetchMembers loads the member set when it is this room's turn: after an outage of the broker many rooms may need theirs. It takes the
// lock.
func (r *room) fetchMembers(ctx context.Context) error {
	leave, err := r.hub.history.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return r.loadMembers(ctx)
}

// counted reports whether the set is fresh. It takes the lock.
func (r *room) counted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members.stale() {
		return false
	}
	r.counting = false
	return true
}

// loadMembers fetches the member set. It takes the lock. A conversation that does not exist is NotFound.
func (r *room) loadMembers(ctx context.Context) error {
	sets, err := r.hub.peers.Conversations.MemberSets(ctx, peer.MemberSetsRequest{ConversationIDs: []string{r.id}})
	if err != nil {
		return err
	}
	if len(sets.Items) == 0 {
		r.vanished()
		return errNotFound
	}
	r.takeMembers(sets.Items[0])
	return nil
}

// takeMembers takes a set that was fetched. It takes the lock.
func (r *room) takeMembers(set peer.MemberSet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.announce(r.members.replace(set))
	for s := range r.joined {
		s.fromSeq = max(s.fromSeq, r.members.fromSeqs[s.userID]) // a set may be older than an event
	}
	r.count()
}

// vanished puts everybody out of a conversation that does not exist any more. It takes the lock.
func (r *room) vanished() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.members.loaded {
		return
	}
	r.announce(r.members.vanish(r.id))
}
