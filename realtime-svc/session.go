package realtime

import (
	"context"
	crypto "crypto/rand"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/drain"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/tracing"
)

// session is a socket as the hub knows it, whatever its protocol: who it acts for, what it joined, what waits to be written.
type session struct {
	id       string
	hub      *hub
	encoder  encoder
	out      *queue
	lanes    lanes
	info     *httpkit.Info
	ctx      context.Context // ends with the socket
	stop     context.CancelFunc
	old      time.Time // when it is to reconnect; zero for never
	abandon  func()    // ends the connection of a socket that has ended, though what waits is not written; nil: that ends in time by itself
	stranger *stranger // nil: it never was one
	user     *user     // nil until a token came; the reader's alone, as is refused
	refused  int       // commands refused for their rate, less those accepted since

	mu     sync.Mutex
	who    identity.Identity // its UserID is empty until a token came, and never changes then
	until  time.Time         // when the token ends, or the time to bring one; zero for never
	joined map[string]*subscription
	told   map[string]int64 // by conversation: the version of the removal that the client was told of
	chosen bool             // whether the client has said which conversations it wants to hear of
}

func (h *hub) newSession(e encoder, info *httpkit.Info) *session {
	s := &session{
		id: crypto.Text(), hub: h, encoder: e, out: newQueue(maxQueueBytes, &h.queued), joined: map[string]*subscription{},
		info:  &httpkit.Info{RequestID: info.RequestID, Address: info.Address},
		until: time.Now().Add(authWait),
	}
	if h.maxAge > 0 {
		s.old = time.Now().Add(h.maxAge*9/10 + rand.N(h.maxAge/5+1))
	}
	s.ctx, s.stop = context.WithCancel(httpkit.WithInfo(h.ctx, s.info))
	return s
}

func (s *session) identity() identity.Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.who
}

// stay lets a socket be without a token.
func (s *session) stay() {
	s.stranger = s.hub.guests.add(s.info.Network(), func() { s.out.finish(endUnavailable) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Time{}
}

func (s *session) userID() string { return s.identity().UserID }

// acting returns a context for one command in the user's name. It outlives the socket: what is under way is carried out.
func (s *session) acting(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	own := *s.info // what a service notes of a request is noted of this one
	ctx = identity.As(httpkit.WithInfo(context.WithoutCancel(ctx), &own), s.userID())
	return context.WithTimeout(ctx, wait)
}

// reply answers a command that has an id.
func (s *session) reply(c command, r result) {
	if c.id != nil {
		s.out.put(frame{kind: "reply", class: essential, data: s.encoder.reply(c.id, r)})
	}
}

// fail answers a command with an error, id or not, and logs what is the server's fault.
func (s *session) fail(ctx context.Context, c command, err error) {
	f := fault.From(err)
	if f.Kind.Status() >= 500 && !errors.Is(err, drain.ErrStopping) {
		s.hub.log.ErrorContext(ctx, "command failed", "command", c.name, "code", f.Code, "error", err.Error(),
			"request_id", s.info.RequestID, "trace_id", tracing.ID(ctx))
	}
	s.out.put(frame{kind: "error", class: essential, data: s.encoder.failure(c.id, f)})
}

// tell sends an event that is not about a conversation the socket joined.
func (s *session) tell(b *broadcast) { s.out.put(b.frame(s.encoder)) }

// hint tells that there is something new in a conversation. A client of Socket.IO 4 that has just connected, or connected again, may be one of the tutorial's
// that has a conversation open: it enters that once only, so it hears of all until it enters or leaves one.
func (s *session) hint(b *broadcast) {
	s.tell(b)
	s.mu.Lock()
	chosen := s.chosen
	s.mu.Unlock()
	if e, ok := s.encoder.(socketIO); ok && e.revision == 4 && !chosen {
		s.out.put(b.frame(refresh{e}))
	}
}

// choose notes that the client says itself what it wants to hear of.
func (s *session) choose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chosen = true
}

// removed tells once that the user was removed from a conversation.
func (s *session) removed(e chat.MemberEvent) {
	s.mu.Lock()
	known := s.told[e.ConversationID] >= e.Version
	if !known {
		if s.told == nil || len(s.told) >= maxTold {
			s.told = map[string]int64{}
		}
		s.told[e.ConversationID] = e.Version
	}
	s.mu.Unlock()
	if !known {
		s.tell(&broadcast{kind: e.Type, class: essential, body: e})
	}
}

// remember notes a joined conversation, and returns the subscription that this one replaces. It returns false above maxJoined.
func (s *session) remember(sub *subscription) (before *subscription, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.joined[sub.room.id]
	if before == nil && len(s.joined) >= maxJoined {
		return nil, false
	}
	s.joined[sub.room.id] = sub
	return before, true
}

func (s *session) forget(sub *subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.joined[sub.room.id] == sub {
		delete(s.joined, sub.room.id)
	}
}

// subscribed returns the socket's subscription to a conversation, nil where it has none.
func (s *session) subscribed(conversationID string) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.joined[conversationID]
}

// leave ends a subscription and gives its room back.
func (s *session) leave(sub *subscription) {
	sub.room.mu.Lock()
	left := sub.detach()
	sub.room.mu.Unlock()
	if left {
		s.hub.release(sub)
	}
}

// leaveAll ends all subscriptions. No command is under way any more.
func (s *session) leaveAll() {
	s.mu.Lock()
	subs := make([]*subscription, 0, len(s.joined))
	for _, sub := range s.joined {
		subs = append(subs, sub)
	}
	s.mu.Unlock()
	for _, sub := range subs {
		s.leave(sub)
	}
}

// sweep ends the socket where its session has ended, its token has expired, or it has become old.
func (s *session) sweep(now time.Time) {
	s.mu.Lock()
	who, until := s.who, s.until
	aged := !s.old.IsZero() && !now.Before(s.old)
	if aged {
		s.old = time.Time{} // once
	}
	s.mu.Unlock()
	switch {
	case s.abandon != nil && s.out.overdue(now):
		s.abandon()
	case who.UserID == "" && !until.IsZero() && !now.Before(until):
		s.out.finish(endNoToken)
	case who.UserID == "":
	case s.hub.users.Revoked(who.SessionID):
		s.out.finish(endSession)
	case !now.Before(until):
		s.out.finish(endTokenExpired)
	case aged:
		s.hub.background.Go(func() { s.retire(s.ctx, endOfAge) })
	}
}

// sessionEnded ends the socket where it is of the session.
func (s *session) sessionEnded(sessionID string) {
	s.mu.Lock()
	same := s.who.SessionID == sessionID
	s.mu.Unlock()
	if same {
		s.out.finish(endSession)
	}
}
