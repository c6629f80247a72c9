package routes_test

import (
	"testing"

	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
)

func TestPathGoesToItsServiceByWholeSegments(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/auth":                    peer.AuthService,
		"/v1/auth/login":              peer.AuthService,
		"/v1/users/u1":                peer.AuthService,
		"/v1/admin/users":             peer.AuthService,
		"/.well-known/jwks.json":      peer.AuthService,
		"/api":                        peer.AuthService,
		"/api/auth/login":             peer.AuthService,
		"/api/chatter":                peer.AuthService,
		"/api/chat":                   peer.ConversationService,
		"/api/chat/new/u1":            peer.ConversationService,
		"/v1/conversations/c/members": peer.ConversationService,
		"/v1/blocks":                  peer.ConversationService,
		"/v1/messages/m1":             peer.MessageService,
		"/v1/search":                  peer.MessageService,
		"/v1/attachments/a1":          peer.MessageService,
		"/v1/webhooks":                peer.MessageService,
		"/v1/ws":                      peer.RealtimeService,
		"/v1/presence":                peer.RealtimeService,
		"/socket.io/":                 peer.RealtimeService,
		"/":                           routes.Web,
		"":                            routes.Web,
		"/apix":                       routes.Web,
		"/v1":                         routes.Web,
		"/v1/authx":                   routes.Web,
		"/v1/wsx":                     routes.Web,
		"/x/api/chat":                 routes.Web,
		"/.well-known/other":          routes.Web,
		"/internal/messages/send":     routes.Web,
	} {
		if got := routes.Service(path); got != want {
			t.Errorf("%q goes to %s, want %s", path, got, want)
		}
	}
}

func TestNoRuleHidesALaterOne(t *testing.T) {
	for _, rule := range routes.Table {
		if got := routes.Service(rule.Prefix); got != rule.Service {
			t.Errorf("%s goes to %s, not to its own %s", rule.Prefix, got, rule.Service)
		}
	}
}
