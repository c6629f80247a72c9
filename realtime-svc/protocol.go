package realtime

import (
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
)

// # The native protocol
//
// GET /v1/ws is a WebSocket of JSON text frames, one object in each.
//
// A command is {"id", "type", …}. The id, an integer of the client's choice, is optional: a command with one is answered by a reply
// or an error with that id; one without gets no reply, but errors. Unknown types and fields are errors. Commands about one
// conversation are carried out in the order sent, joins and leaves in one line, sends in another; those about different conversations
// are not ordered.
//
//	auth    token                             as first frame where the request brought no token; later, a new token of the same user
//	                                          reply: {"session": {"user_id", "expires_at"}}
//	ping                                      reply: {}
//	join    conversation, rev?                reply: {"joined": {"conversation_id", "rev"}}, after the events rev+1 … and before later ones.
//	                                          The rev is that of the last event the client has; without it there is no history
//	leave   conversation                      reply: {}
//	send    conversation, body, client_msg_id? reply: {"message"}; needs no join. The same client_msg_id again is the same message
//	read    conversation, seq                 reply: {"read_seq"}; needs no join
//	typing  conversation                      reply: {}; needs a join
//
// Answers and events:
//
//	reply            id, and the command's own fields
//	error            id?, code, detail, field?, retry_after_ms?      codes as those of the HTTP API
//	message.created  conversation_id, rev, message                   to those who joined, in order of rev
//	message.updated  "
//	message.deleted  "
//	member.added     conversation_id, user_id, members_version, from_seq    to those who joined; about herself to all sockets of the user
//	member.removed   "                                               she gets no more of the conversation, and must not leave it
//	read             conversation_id, user_id, seq                   to those who joined
//	typing           conversation_id, user_id                        to those who joined, but the user herself; may be lost
//	inbox            conversation_id, seq, rev                       to all sockets of a member; may be lost
//	resync           conversation_id, rev, live                      events were left out: read the feed over HTTP after the last rev you
//	                                                                 have. Where live is false the socket has left; then join again
//	reconnect        after_ms                                        the socket is closed next, with 1012
//
// A client applies a message only where its rev is above the one it has, and takes no gap between revs for a loss: events of
// messages that it may not see are left out. The client reads the first page of the inbox again after it connects and after a resync.

// encoder writes what the hub says in one wire format. The hub knows no other thing about formats.
type encoder interface {
	protocol() string         // the metrics' label
	slot() int                // its number among the encoders, below slots
	event(b *broadcast) frame // without data: the client does not hear of it
	reply(id any, r result) []byte
	failure(id any, f *fault.Error) []byte
}

// The slots of the encoders.
const (
	slotNative = iota
	slotSocketIO4
	slotSocketIO5
	slotRefresh4
	slotRefresh5
	slots
)

// command is what a client asks for, in whatever format it came.
type command struct {
	name         string
	id           any // for the encoder that answers; nil: no reply is wanted
	conversation string
	rev          *int64
	seq          int64
	body         string
	clientMsgID  string
	token        string
	encoder      encoder // of what a join brings; nil: the socket's own
}

// The commands.
const (
	cmdAuth   = "auth"
	cmdPing   = "ping"
	cmdJoin   = "join"
	cmdLeave  = "leave"
	cmdSend   = "send"
	cmdRead   = "read"
	cmdTyping = "typing"
)

// result is what a reply says beside its id. Each command sets its own field.
type result struct {
	Joined  *position     `json:"joined,omitempty"`
	Message *chat.Message `json:"message,omitempty"`
	ReadSeq *int64        `json:"read_seq,omitempty"`
	Session *grant        `json:"session,omitempty"`
}

// problem is what an error says beside its id.
type problem struct {
	Code         string `json:"code"`
	Detail       string `json:"detail"`
	Field        string `json:"field,omitempty"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
}

func problemOf(f *fault.Error) problem {
	return problem{f.Code, f.Detail, f.Field, f.RetryAfter.Milliseconds()}
}

// position is where a joined conversation stands.
type position struct {
	ConversationID string `json:"conversation_id"`
	Rev            int64  `json:"rev"`
}

// grant is whom a socket acts for, and until when.
type grant struct {
	UserID    string    `json:"user_id"`
	ExpiresAt chat.Time `json:"expires_at"`
}

// resyncEvent tells that events of a conversation were left out.
type resyncEvent struct {
	Type           string `json:"type"` // chat.Resync
	ConversationID string `json:"conversation_id"`
	Rev            int64  `json:"rev"`  // of the newest event there is
	Live           bool   `json:"live"` // whether later events come
}

// reconnectEvent asks the client to connect again.
type reconnectEvent struct {
	Type    string `json:"type"` // chat.Reconnect
	AfterMS int64  `json:"after_ms"`
}

// broadcast is an event on its way to many sockets, encoded once for each format among them. One goroutine has it at a time.
type broadcast struct {
	kind    string // the event's name
	class   class
	body    any
	sent    time.Time // of a new message: its created_at; else zero
	passage *passage
	frames  [slots]*frame
}

func (b *broadcast) frame(e encoder) frame {
	known := &b.frames[e.slot()]
	if *known == nil {
		f := e.event(b)
		f.sent, f.passage = b.sent, b.passage
		*known = &f
	}
	return **known
}
