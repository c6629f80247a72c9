package client

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// SocketOptions are the handlers of a Socket; nil ones are left out. But for Tap they are called one at a time, in order, by a goroutine of
// their own, and may call the Socket and the Client. Up to Queue events wait for them. What comes then is left out and read again
// from the feed once they have caught up, and typing, read positions and hints are dropped: a slow handler costs a detour, not memory.
type SocketOptions struct {
	OnMessage func(chat.Event)       // each event of a joined conversation, once and in order of Rev; its Message is never nil
	OnMember  func(chat.MemberEvent) // of joined conversations, and of any about the user herself: Join those that she is added to
	OnRead    func(chat.ReadEvent)   // of joined conversations; may be lost
	OnTyping  func(chat.TypingEvent) // of joined conversations; may be lost
	// OnInbox hints that a conversation moved, perhaps a new one that is to be joined. With an empty ConversationID any may have: read the
	// first page of the inbox. That comes after each connect and resync and every minute, since hints may be lost.
	OnInbox      func(chat.InboxEvent)
	OnJoined     func(Joined)     // on each connection, behind the events that were missed; where they are too many, while they are read
	OnRefused    func(Refused)    // the conversation is joined no more
	OnConnection func(Connection) // what becomes of the connections
	// Tap gets each frame as it came, in the order of its connection, from the goroutine that reads. Connections count from 1.
	Tap   func(connection int, frame []byte)
	Queue int // zero: 256
}

// Joined tells that a conversation's events above Rev come as they happen. Those up to Rev have been handed over, or, where they were more
// than the server replays, are read from the feed and follow. After a Join FromNow Rev is where it begins.
type Joined struct {
	ConversationID string
	Rev            int64
}

// Refused tells that the server does not let the user into a conversation, such as conversation_not_found. Removals are no refusals:
// OnMember tells of them.
type Refused struct {
	ConversationID string
	Err            error
}

// State is what becomes of a connection.
type State string

// The states of a connection, in their order.
const (
	Connected State = "connected" // the server has taken the token
	Rejoined  State = "rejoined"  // all conversations are joined again, or refused
	Closed    State = "closed"    // or it could not be opened; the next one follows unless Run returns
)

// Connection is a change of a socket's connection.
type Connection struct {
	Number int // counts from 1, tries that failed included
	State  State
	At     time.Time
	Err    error // why it was closed: an *Error whose Status is the close code, or the failure of the network
}

// Stats count what happened since the Socket was made.
type Stats struct {
	Reconnects int64 // connections after the first
	Duplicates int64 // events that came again, and were dropped
	OutOfOrder int64 // events that came behind later ones, which a server never does: the feed was read again from before them
	Resyncs    int64 // times that a conversation fell behind, for the server or the handlers, and its feed was read
	Resent     int64 // sends written again
}

type counters struct {
	connects, duplicates, outOfOrder, resyncs, resent atomic.Int64
}

// Socket receives events and sends messages over WebSockets, one at a time. It is safe for concurrent use.
type Socket struct {
	client *Client
	opts   SocketOptions
	queue  *queue
	stats  counters
	busy   atomic.Bool  // Run runs
	tries  atomic.Int64 // to connect

	mu    sync.Mutex
	held  int           // events that rooms hold
	conn  *connection   // nil where there is none
	up    chan struct{} // closed while the server has taken the connection's token
	rooms map[string]*room
	lanes map[string][]chan struct{} // by conversation: the turns of those who send, the first one's closed

	additions []addition // of the user herself, the newest last, at most maxAdditions
}

const defaultQueue = 256

// inboxEvery is how often the first page of the inbox is to be read, whatever was heard.
const inboxEvery = time.Minute

// Socket returns a Socket that connects to nothing yet: Run does.
func (c *Client) Socket(o SocketOptions) *Socket {
	if o.Queue == 0 {
		o.Queue = defaultQueue
	}
	return &Socket{
		client: c, opts: o, queue: newQueue(o.Queue), up: make(chan struct{}), rooms: map[string]*room{}, lanes: map[string][]chan struct{}{},
	}
}

var errRuns = errors.New("client: the socket runs already")

// Run keeps the Socket connected until the context ends, or its deadline comes before the next try to connect, and returns the context's
// error. It returns an *Error where the server asks not to come back, such as session_ended, and ErrNoSession where the tokens cannot be
// renewed. The handlers have had everything that came by then, a Closed last, so a handler must not wait longer than the context: Send
// with it there. One Run runs at a time; the next one goes on where it was, and a Join FromNow too. There is nothing else to close.
func (s *Socket) Run(ctx context.Context) error {
	if !s.busy.CompareAndSwap(false, true) {
		return errRuns
	}
	defer s.busy.Store(false)
	noMore := make(chan struct{})
	var handlers sync.WaitGroup
	handlers.Go(func() { s.handle(noMore) })
	err := s.keepConnected(ctx)
	close(noMore)
	handlers.Wait()
	return err
}

// handle calls the handlers until nothing waits once no more comes.
func (s *Socket) handle(noMore <-chan struct{}) {
	every := time.NewTicker(inboxEvery)
	defer every.Stop()
	for {
		if next, ok := s.queue.next(); ok {
			if next.room == nil || !next.room.left.Load() {
				s.handOver(next.value)
			}
			continue
		}
		select {
		case <-s.queue.ready:
		case <-every.C:
			s.handOver(chat.InboxEvent{Type: chat.Inbox})
		case <-noMore:
			if s.queue.empty() {
				return
			}
		}
	}
}

// handOver calls the handler of a value, if there is one.
func (s *Socket) handOver(value any) {
	switch v := value.(type) {
	case chat.Event:
		hear(s.opts.OnMessage, v)
	case chat.MemberEvent:
		hear(s.opts.OnMember, v)
	case chat.ReadEvent:
		hear(s.opts.OnRead, v)
	case chat.TypingEvent:
		hear(s.opts.OnTyping, v)
	case chat.InboxEvent:
		hear(s.opts.OnInbox, v)
	case Joined:
		hear(s.opts.OnJoined, v)
	case Refused:
		hear(s.opts.OnRefused, v)
	case Connection:
		hear(s.opts.OnConnection, v)
	}
}

func hear[T any](handler func(T), v T) {
	if handler != nil {
		handler(v)
	}
}

// Stats returns the counts of this moment.
func (s *Socket) Stats() Stats {
	return Stats{
		Reconnects: max(0, s.stats.connects.Load()-1), Duplicates: s.stats.duplicates.Load(), OutOfOrder: s.stats.outOfOrder.Load(),
		Resyncs: s.stats.resyncs.Load(), Resent: s.stats.resent.Load(),
	}
}
