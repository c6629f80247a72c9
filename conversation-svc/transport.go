package conversation

import (
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
)

func publicRoutes(s *httpkit.Server, e Endpoints) []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "POST /v1/conversations", Handler: s.Handle(e.Start)},
		{Pattern: "GET /v1/conversations", Handler: s.Handle(e.List)},
		{Pattern: "GET /v1/conversations/{id}", Handler: s.Handle(e.Get)},
		{Pattern: "PATCH /v1/conversations/{id}", Handler: s.Handle(e.Rename)},
		{Pattern: "DELETE /v1/conversations/{id}", Handler: s.Handle(e.Delete)},
		{Pattern: "POST /v1/conversations/{id}/members", Handler: s.Handle(e.AddMember)},
		{Pattern: "DELETE /v1/conversations/{id}/members/{user_id}", Handler: s.Handle(e.RemoveMember)},
		{Pattern: "POST /v1/conversations/{id}/leave", Handler: s.Handle(e.Leave)},
		{Pattern: "PUT /v1/conversations/{id}/read", Handler: s.Handle(e.MarkRead)},
	}
}

func internalRoutes(s *httpkit.Server, e Endpoints) []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "POST " + peer.PathMemberships, Handler: s.Internal(e.Memberships)},
		{Pattern: "POST " + peer.PathMemberSets, Handler: s.Internal(e.MemberSets)},
		{Pattern: "POST " + peer.PathMemberVersions, Handler: s.Internal(e.MemberVersions)},
		{Pattern: "POST " + peer.PathRaiseHeads, Handler: s.Internal(e.RaiseHeads)},
		{Pattern: "POST " + peer.PathMarkRead, Handler: s.Internal(e.MarkReadFor)},
	}
}
