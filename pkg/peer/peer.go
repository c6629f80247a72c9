// Package peer holds what the services ask of each other: the interfaces, their request types, HTTP clients for them, and
// the token that locks /internal/.
//
// Who acts travels in the context (package identity), in process and, as the service token's subject, over HTTP.
package peer

// Peers are the other services. allinone fills it once all services are made; nothing may be asked before Run.
type Peers struct {
	Auth          Auth
	Conversations Conversations
	Messages      Messages
}

// The services' names: the audience of their service tokens.
const (
	AuthService         = "auth-svc"
	ConversationService = "conversation-svc"
	MessageService      = "message-svc"
	RealtimeService     = "realtime-svc"
)
