package message

import (
	"github.com/go-kit/kit/endpoint"

	"github.com/confab-chat/confab/pkg/httpkit"
)

// Endpoints are the service's methods with their middleware.
type Endpoints struct {
	Send, List, Get, Edit, Delete endpoint.Endpoint // for users

	PeerSend, PeerEdit, PeerStoreFirst, PeerLast, PeerFeed, PeerNewest endpoint.Endpoint // for other services
}

// NewEndpoints puts the chain before each method.
func NewEndpoints(s Service, c *httpkit.Chain) Endpoints {
	return Endpoints{
		Send:   c.User("send_message", httpkit.Typed(s.Send)),
		List:   c.User("list_messages", httpkit.Typed(s.List)),
		Get:    c.User("get_message", httpkit.Typed(s.Get)),
		Edit:   c.User("edit_message", httpkit.Typed(s.Edit)),
		Delete: c.User("delete_message", httpkit.Typed(s.Delete)),

		PeerSend:       c.Service("peer_send", httpkit.Typed(s.Send)),
		PeerEdit:       c.Service("peer_edit", httpkit.Typed(s.Edit)),
		PeerStoreFirst: c.Service("peer_store_first", httpkit.Typed(s.StoreFirst)),
		PeerLast:       c.Service("peer_last", httpkit.Typed(s.Last)),
		PeerFeed:       c.Service("peer_feed", httpkit.Typed(s.Feed)),
		PeerNewest:     c.Service("peer_newest", httpkit.Typed(s.Newest)),
	}
}
