// Package routes is the one table that says which service answers a path. allinone, the web proxy, compose, Ingress and
// HTTPRoute all use it.
package routes

import "strings"

// Rule sends the paths that begin with Prefix, by whole segments, to Service.
type Rule struct {
	Prefix  string
	Service string
}

// Web serves what no service does.
const Web = "web"

// Table is read from the top: the first rule that fits wins.
var Table = []Rule{
	{"/v1/auth", "auth-svc"},
	{"/v1/users", "auth-svc"},
	{"/v1/admin", "auth-svc"},
	{"/.well-known/jwks.json", "auth-svc"},
	{"/v1/conversations", "conversation-svc"},
	{"/v1/blocks", "conversation-svc"},
	{"/api/chat", "conversation-svc"},
	{"/api", "auth-svc"},
	{"/v1/messages", "message-svc"},
	{"/v1/search", "message-svc"},
	{"/v1/attachments", "message-svc"},
	{"/v1/webhooks", "message-svc"},
	{"/v1/ws", "realtime-svc"},
	{"/v1/presence", "realtime-svc"},
	{"/socket.io", "realtime-svc"},
	{"/", Web},
}

// Service returns the service that answers the path.
func Service(path string) string {
	for _, rule := range Table {
		rest, ok := strings.CutPrefix(path, strings.TrimSuffix(rule.Prefix, "/"))
		if ok && (rest == "" || rest[0] == '/') {
			return rule.Service
		}
	}
	return Web
}
