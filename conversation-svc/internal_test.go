package conversation_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

func TestOtherServicesAskOverHTTP(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		c := w.group("ann", "bob")
		remote := peer.NewConversations(w.Internal, servertest.ServiceKeys)
		standing, err := remote.Memberships(t.Context(), peer.MembershipsRequest{Pairs: []peer.MemberPair{
			{ConversationID: c.ID, UserID: "ann"}, {ConversationID: c.ID, UserID: "eve"},
		}})
		want := []peer.Membership{{Member: true, Role: peer.RoleOwner}, {}}
		if err != nil || !slices.Equal(standing.Items, want) {
			t.Errorf("the memberships are %+v, %v; want %+v", standing, err, want)
		}
		sets, err := remote.MemberSets(t.Context(), peer.MemberSetsRequest{ConversationIDs: []string{c.ID, "none"}})
		if err != nil || len(sets.Items) != 1 || sets.Items[0].Version != 1 || len(sets.Items[0].FromSeqs) != 2 {
			t.Errorf("the member sets are %+v, %v", sets, err)
		}
		versions, err := remote.MemberVersions(t.Context(), peer.MemberVersionsRequest{ConversationIDs: []string{"none", c.ID}})
		if err != nil || !maps.Equal(versions.Versions, map[string]int64{c.ID: 1}) {
			t.Errorf("the member versions are %+v, %v", versions, err)
		}
		newest := peer.Head{Seq: 3, Rev: 4, Excerpt: "hi", AuthorID: "ann", At: chat.Now()}
		heads, err := remote.RaiseHeads(t.Context(), peer.RaiseHeadsRequest{Raises: []peer.Raise{
			{ConversationID: c.ID, FromSeq: 1, Newest: newest, Authors: map[string]int64{"ann": 3, "bob": 2}},
			{ConversationID: "none", FromSeq: 1, Newest: newest},
		}})
		if err != nil || !slices.Equal(heads.Items, []peer.RaisedHead{{HeadSeq: 3, Members: 2}, {}}) {
			t.Errorf("the heads are %+v, %v", heads, err)
		}
		if got := w.get("bob", c.ID); *got.LastMessage != newest || got.ReadSeq != 2 || got.Unread != 1 {
			t.Errorf("it is %+v", got)
		}
		position, err := remote.MarkRead(identity.As(t.Context(), "bob"), peer.MarkReadRequest{ConversationID: c.ID, Seq: 3})
		if err != nil || position.ReadSeq != 3 {
			t.Errorf("the position is %+v, %v", position, err)
		}
		if _, err = remote.MarkRead(identity.As(t.Context(), "eve"), peer.MarkReadRequest{ConversationID: c.ID, Seq: 3}); err == nil {
			t.Error("a stranger read on")
		}
	})
}

func TestInternalRoutesAreLocked(t *testing.T) {
	w := onSQLite(t)
	for _, path := range []string{peer.PathMemberships, peer.PathMemberSets, peer.PathMemberVersions, peer.PathRaiseHeads, peer.PathMarkRead} {
		for token, url := range map[string]string{"": w.Internal, "x": w.Internal, w.users.Token(t, "ann", time.Minute): w.Internal} {
			w.refused(http.StatusUnauthorized, "service_token", servertest.Call(t, http.MethodPost, url+path, token, "{}"))
		}
		w.refused(http.StatusNotFound, "no_such_route", w.call("ann", http.MethodPost, path, "{}"))
	}
}

func TestBadRequestsOfOtherServicesAreRefused(t *testing.T) {
	w := onSQLite(t)
	remote := peer.NewConversations(w.Internal, servertest.ServiceKeys)
	many := slices.Repeat([]string{"c"}, chat.MaxBatch+1)
	_, none := remote.Memberships(t.Context(), peer.MembershipsRequest{})
	_, tooMany := remote.MemberSets(t.Context(), peer.MemberSetsRequest{ConversationIDs: many})
	_, tooManyVersions := remote.MemberVersions(t.Context(), peer.MemberVersionsRequest{ConversationIDs: many})
	_, noRaise := remote.RaiseHeads(t.Context(), peer.RaiseHeadsRequest{})
	_, noAuthor := remote.RaiseHeads(t.Context(), peer.RaiseHeadsRequest{Raises: []peer.Raise{{ConversationID: "c", FromSeq: 1}}})
	_, negative := remote.MarkRead(identity.As(t.Context(), "ann"), peer.MarkReadRequest{ConversationID: "c", Seq: -1})
	for i, err := range []error{none, tooMany, tooManyVersions, noRaise, noAuthor, negative} {
		requireCode(t, "invalid_field", err, i)
	}
}

func TestTheWalkRaisesHeadsThatLag(t *testing.T) {
	for name, open := range map[string]func(*testing.T) conversation.Repository{
		"SQLite":  func(t *testing.T) conversation.Repository { return openSQLite(t)(t) },
		"MongoDB": func(t *testing.T) conversation.Repository { return openMongo(t)(t) },
	} {
		t.Run(name, func(t *testing.T) {
			repo := open(t)
			w := newWorld(t, repo, func(c *conversation.Config, _ *server.Env) { c.WalkEvery = time.Second })
			lost, current, empty := w.group("ann", "bob", "cid"), w.group("ann", "bob"), w.group("ann")
			w.messages.send(t, "ann", current.ID, "x")
			w.messages.send(t, "ann", lost.ID, "1")
			w.messages.set(func(m *messages) { m.raises = false })
			for _, userID := range []string{"bob", "cid", "bob"} {
				w.messages.send(t, userID, lost.ID, "lost")
			}
			eventually(t, "the head is raised", func() bool { return w.get("ann", lost.ID).LastMessage.Seq == 4 })
			for userID, want := range map[string][2]int64{"ann": {1, 3}, "bob": {4, 0}, "cid": {3, 1}} {
				if got := w.get(userID, lost.ID); got.ReadSeq != want[0] || got.Unread != want[1] {
					t.Errorf("%s has read to %d with %d unread, want %v", userID, got.ReadSeq, got.Unread, want)
				}
			}
			w.messages.set(func(m *messages) { m.of[current.ID][0].Rev, m.of[current.ID][0].Body = 2, "edited" })
			eventually(t, "the edit shows", func() bool { return w.get("bob", current.ID).LastMessage.Excerpt == "edited" })
			if got := w.get("ann", empty.ID); got.LastMessage != nil {
				t.Errorf("the empty one is %+v", got)
			}
		})
	}
}

// eventually waits for what the service does beside its requests.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("not within 10 s: %s", what)
}

func TestAUserStartsAtMostSoManyConversations(t *testing.T) {
	w := onSQLite(t, func(c *conversation.Config, _ *server.Env) { c.StartsPerMinute = 2 })
	w.direct(http.StatusCreated, "ann", "bob")
	w.tutorialStart("ann", "cid", "hello")
	a := w.call("ann", http.MethodPost, "/v1/conversations", object{"type": "direct", "member_ids": []string{"dan"}})
	w.refused(http.StatusTooManyRequests, "rate_limited", a)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.direct(http.StatusCreated, "bob", "cid")
}
