package message

import (
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
)

func publicRoutes(e Endpoints, s *httpkit.Server) []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "POST /v1/messages", Handler: s.Handle(e.Send)},
		{Pattern: "GET /v1/messages", Handler: s.Handle(e.List)},
		{Pattern: "GET /v1/messages/{id}", Handler: s.Handle(e.Get)},
		{Pattern: "PATCH /v1/messages/{id}", Handler: s.Handle(e.Edit)},
		{Pattern: "DELETE /v1/messages/{id}", Handler: s.Handle(e.Delete)},
	}
}

func internalRoutes(e Endpoints, s *httpkit.Server) []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "POST " + peer.PathSend, Handler: s.Internal(e.PeerSend)},
		{Pattern: "POST " + peer.PathEdit, Handler: s.Internal(e.PeerEdit)},
		{Pattern: "POST " + peer.PathStoreFirst, Handler: s.Internal(e.PeerStoreFirst)},
		{Pattern: "POST " + peer.PathLast, Handler: s.Internal(e.PeerLast)},
		{Pattern: "POST " + peer.PathFeed, Handler: s.Internal(e.PeerFeed)},
		{Pattern: "POST " + peer.PathNewest, Handler: s.Internal(e.PeerNewest)},
	}
}
