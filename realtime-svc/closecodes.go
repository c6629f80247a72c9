package realtime

// ending says how a socket ends. Its code tells the client whether to come back: after 1012, 1013 and 4000-4499 it reconnects and
// resumes, after 4500-4999 it does not. After 1003, 1007 and 1009 it should not either: it has sent what no retry makes right.
// A connection that breaks without a code (1006) is worth a reconnect.
type ending struct {
	code   int
	reason string // the close frame's text and the metric's label
	flush  bool   // what waits is written first
}

// noReturn is the first code after which a client does not come back by itself.
const noReturn = 4500

// The endings. docs/protocol.md has the same table.
var (
	endClient       = &ending{code: 1000, reason: "client"}                         // the client closed
	endBinary       = &ending{code: 1003, reason: "binary_frame"}                   // frames are text
	endNotUTF8      = &ending{code: 1007, reason: "invalid_utf8"}                   // text is UTF-8
	endProtocol     = &ending{code: 1006, reason: "protocol_error"}                 // Engine.IO's or Socket.IO's; the code is never sent
	endTooBig       = &ending{code: 1009, reason: "frame_too_big"}                  // above maxFrame
	endRestart      = &ending{code: 1012, reason: "restart", flush: true}           // this replica stops: reconnect to another
	endOfAge        = &ending{code: 1012, reason: "connection_age", flush: true}    // above -max-connection-age: reconnect to any replica
	endUnavailable  = &ending{code: 1013, reason: "try_again_later", flush: true}   // tokens cannot be verified yet, or too many sockets wait for theirs
	endTokenExpired = &ending{code: 4401, reason: "token_expired"}                  // reconnect with a new token
	endNoToken      = &ending{code: 4402, reason: "no_token"}                       // none came within authWait
	endTooSlow      = &ending{code: 4408, reason: "too_slow"}                       // reads less than it is sent: reconnect and resume
	endSilent       = &ending{code: 4409, reason: "no_pong"}                        // nothing came within pongWait
	endTooMany      = &ending{code: 4429, reason: "too_many_commands", flush: true} // reconnect, and send more slowly
	endTooManyOpen  = &ending{code: 4430, reason: "too_many_sockets", flush: true}  // the user has maxUserSockets already
	endSession      = &ending{code: 4501, reason: "session_ended"}                  // logged out: a login comes first
	endRefused      = &ending{code: 4503, reason: "token_refused", flush: true}     // missing where it must not, wrong, expired or revoked
	endLost         = &ending{code: 1006, reason: "lost"}                           // the connection broke; the code is never sent
)
