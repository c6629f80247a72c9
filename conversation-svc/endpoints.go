package conversation

import (
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/ratelimit"
)

// Endpoints are the service's methods behind their middleware.
type Endpoints struct {
	Start, List, Get, Rename, AddMember, RemoveMember, Leave, MarkRead, Delete endpoint.Endpoint

	Memberships, MemberSets, MemberVersions, RaiseHeads, MarkReadFor endpoint.Endpoint

	Tutorial TutorialEndpoints
}

// TutorialEndpoints are the tutorial's methods behind their middleware.
type TutorialEndpoints struct {
	List, Recipients, Get, Send, Start, Delete, Edit endpoint.Endpoint
}

// NewEndpoints wraps the methods. A user may start startsPerMinute conversations, by both of the routes together; 0 is no limit.
func NewEndpoints(s Service, t *tutorial, c *httpkit.Chain, startsPerMinute int) Endpoints {
	starts := ratelimit.Rule{Name: "start_conversation", Burst: startsPerMinute, Period: time.Minute}
	return Endpoints{
		Start:        c.User("start_conversation", httpkit.Typed(s.Start), starts),
		List:         c.User("list_conversations", httpkit.Typed(s.List)),
		Get:          c.User("get_conversation", httpkit.Typed(s.Get)),
		Rename:       c.User("rename_conversation", httpkit.Typed(s.Rename)),
		AddMember:    c.User("add_member", httpkit.Typed(s.AddMember)),
		RemoveMember: c.User("remove_member", httpkit.Typed(s.RemoveMember)),
		Leave:        c.User("leave_conversation", httpkit.Typed(s.Leave)),
		MarkRead:     c.User("mark_read", httpkit.Typed(s.MarkRead)),
		Delete:       c.User("delete_conversation", httpkit.Typed(s.Delete)),

		Memberships:    c.Service("memberships", httpkit.Typed(s.Memberships)),
		MemberSets:     c.Service("member_sets", httpkit.Typed(s.MemberSets)),
		MemberVersions: c.Service("member_versions", httpkit.Typed(s.MemberVersions)),
		RaiseHeads:     c.Service("raise_heads", httpkit.Typed(s.RaiseHeads)),
		MarkReadFor:    c.Service("mark_read_for", httpkit.Typed(s.MarkRead)),

		Tutorial: TutorialEndpoints{
			List:       c.User("tutorial_list_conversations", httpkit.Typed(t.list)),
			Recipients: c.User("tutorial_list_recipients", httpkit.Typed(t.recipients)),
			Get:        c.User("tutorial_get_conversation", httpkit.Typed(t.get)),
			Send:       c.User("tutorial_send_message", httpkit.Typed(t.send)),
			Start:      c.User("tutorial_start_conversation", httpkit.Typed(t.start), starts),
			Delete:     c.User("tutorial_delete_conversation", httpkit.Typed(t.delete)),
			Edit:       c.User("tutorial_edit_message", httpkit.Typed(t.edit)),
		},
	}
}
