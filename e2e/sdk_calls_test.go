package e2e_test

import (
	"errors"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// Each operation of the document that a user calls is one of pkg/client's, and takes and gives what the document says.
func TestTheClientHasEachCallOfTheDocument(t *testing.T) {
	ann, bob, ctx := signUp(t, underTest.url), signUp(t, underTest.url), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	other := newClient(t, underTest.url, client.Tokens{})
	_, err := other.Login(ctx, ann.email, "correct horse")
	must(err)
	sessions, err := ann.Sessions(ctx, client.Page{Limit: 1})
	must(err)
	if !sessions.HasMore || sessions.Items[0].Label != "confab-go" {
		t.Errorf("the first page of sessions is %+v", sessions)
	}
	rest, err := ann.Sessions(ctx, client.Page{Cursor: sessions.Next})
	must(err)
	if len(rest.Items) != 1 || !rest.Items[0].Current || rest.HasMore {
		t.Errorf("the rest is %+v", rest)
	}
	must(ann.EndSession(ctx, sessions.Items[0].ID))
	must(ann.Refresh(ctx))
	must(ann.ChangePassword(ctx, "correct horse", "battery staple"))
	must(ann.ForgotPassword(ctx, ann.email))
	if err := ann.ResetPassword(ctx, "x", "battery staple"); !errors.Is(err, &client.Error{Code: "reset_token_refused"}) {
		t.Errorf("a reset with a wrong token: %v", err)
	}
	me, err := ann.EditMe(ctx, client.Names{FirstName: "Anna" + random()})
	must(err)
	same, err := ann.Me(ctx)
	must(err)
	if same != me || me.LastName != "Last" {
		t.Errorf("she is %+v, then %+v", me, same)
	}
	found, ok, err := bob.UserByEmail(ctx, ann.email)
	must(err)
	byName, err := bob.UsersByName(ctx, me.FirstName, client.Page{})
	must(err)
	byID, err := bob.Users(ctx, ann.id, bob.id)
	must(err)
	if !ok || found.ID != ann.id || len(byName.Items) != 1 || byName.Items[0] != found || len(byID) != 2 {
		t.Errorf("found %+v, %+v, %+v", found, byName, byID)
	}
	if _, ok, err := bob.UserByEmail(ctx, "nobody"+ann.email); ok || err != nil {
		t.Errorf("found nobody: %v, %v", ok, err)
	}

	started, err := ann.Start(ctx, client.Start{Type: client.Group, Title: "Lunch", MemberIDs: []string{bob.id}, Body: secret})
	must(err)
	group := started.Conversation.ID
	renamed, err := ann.Rename(ctx, group, "Dinner")
	must(err)
	shown, err := bob.Conversation(ctx, group)
	must(err)
	if renamed.Title != "Dinner" || shown.Title != "Dinner" || len(shown.Members) != 2 || shown.LastMessage.Excerpt != secret || shown.Unread != 1 {
		t.Errorf("renamed to %+v, shown as %+v", renamed, shown)
	}
	must(bob.LeaveGroup(ctx, group))
	added, err := ann.AddMember(ctx, group, bob.id)
	must(err)
	if added.UserID != bob.id {
		t.Errorf("added %+v", added)
	}
	sent, err := ann.Send(ctx, client.Draft{ConversationID: group, Body: secret, ClientMsgID: "key-" + group})
	must(err)
	again, err := ann.Send(ctx, client.Draft{ConversationID: group, Body: secret + "?", ClientMsgID: "key-" + group})
	must(err)
	one, err := ann.Message(ctx, sent.ID)
	must(err)
	if again != sent || one != sent || sent.ClientMsgID != "key-"+group {
		t.Errorf("sent %+v, again %+v, read %+v", sent, again, one)
	}
	inbox, err := bob.Inbox(ctx, client.Page{Limit: 1})
	must(err)
	if len(inbox.Items) != 1 || inbox.Items[0].ID != group {
		t.Errorf("the inbox is %+v", inbox)
	}
	position, err := bob.MarkRead(ctx, group, 2)
	must(err)
	if position != 2 {
		t.Errorf("read up to %d", position)
	}
	_, err = ann.Edit(ctx, sent.ID, secret+"!")
	must(err)
	_, err = ann.Delete(ctx, sent.ID)
	must(err)
	history, err := ann.History(ctx, group, 0, 1)
	must(err)
	older, err := ann.History(ctx, group, history.Next, 0)
	must(err)
	if history.Items[0].ID != sent.ID || history.Items[0].DeletedAt == nil || !history.HasMore || len(older.Items) != 1 || older.HasMore {
		t.Errorf("the history is %+v, then %+v", history, older)
	}
	after, err := ann.HistoryAfter(ctx, group, 1, 0)
	must(err)
	feed, err := ann.Feed(ctx, group, 1, 2)
	must(err)
	if len(after.Items) != 1 || after.Next != 2 || len(feed.Items) != 2 || feed.Next != 3 || !feed.HasMore || feed.Items[1].Type != chat.MessageUpdated {
		t.Errorf("the history goes on with %+v, the feed with %+v", after, feed)
	}
	must(bob.Clear(ctx, group))
	must(ann.RemoveMember(ctx, group, bob.id))
	must(ann.DeleteGroup(ctx, group))
	must(ann.Logout(ctx))
	must(bob.LogoutAll(ctx))

	for id, route := range theContract(t).ids {
		called := ann.seen[id] || bob.seen[id] || other.seen[id]
		if !called && route.Operation.Tags[0] != "tutorial" && id != "jwks" && id != "socket" && id != "reset_password" {
			t.Errorf("%s was not called", id)
		}
	}
	if _, err := ann.Me(ctx); !errors.Is(err, client.ErrNoSession) {
		t.Errorf("after the logout: %v", err)
	}
}
