package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

// refused waits until the access token is refused: the service learns of an end as all others do.
func (w *world) refused(t auth.Tokens) {
	w.t.Helper()
	w.eventually("the access token is refused", func() bool { return w.call("GET", "/v1/users/me", bearer(t), nil).status == 401 })
}

func TestLogoutEndsTheActingSessionAlone(t *testing.T) {
	w := start(t, nil)
	first := w.register("ann@example.com")
	second := decode[auth.Tokens](w.login("ann@example.com", password).want(200, ""))
	w.call("POST", "/v1/auth/logout", bearer(first), nil).want(204, "")
	w.refused(first)
	w.refresh(first.RefreshToken).want(401, "refresh_token_refused")
	w.call("GET", "/v1/users/me", bearer(second), nil).want(200, "")
	w.refresh(second.RefreshToken).want(200, "")
}

func TestLogoutAllEndsEverySessionOfTheUser(t *testing.T) {
	w := start(t, nil)
	first, bob := w.register("ann@example.com"), w.register("bob@example.com")
	second := decode[auth.Tokens](w.login("ann@example.com", password).want(200, ""))
	w.call("POST", "/v1/auth/logout-all", bearer(first), nil).want(204, "")
	w.refused(first)
	w.refused(second)
	w.refresh(second.RefreshToken).want(401, "refresh_token_refused")
	w.refresh(bob.RefreshToken).want(200, "")
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	w := start(t, nil)
	first, bob := w.register("ann@example.com"), w.register("bob@example.com")
	second := decode[auth.Tokens](w.login("ann@example.com", password).want(200, ""))
	page := decode[auth.SessionPage](w.call("GET", "/v1/auth/sessions", bearer(first), nil).want(200, ""))
	if len(page.Items) != 2 || page.Items[0].ID != second.SessionID || page.Items[0].Current || !page.Items[1].Current ||
		page.Items[0].Label != "test browser" || page.HasMore {
		t.Errorf("sessions: %+v", page)
	}
	one := decode[auth.SessionPage](w.call("GET", "/v1/auth/sessions?limit=1", bearer(first), nil).want(200, ""))
	if len(one.Items) != 1 || !one.HasMore || one.Next == nil {
		t.Fatalf("a page of one: %+v", one)
	}
	rest := decode[auth.SessionPage](w.call("GET", "/v1/auth/sessions?cursor="+*one.Next, bearer(first), nil).want(200, ""))
	if len(rest.Items) != 1 || rest.Items[0].ID != first.SessionID {
		t.Errorf("the page behind it: %+v", rest)
	}
	path := "/v1/auth/sessions/" + second.SessionID
	w.call("DELETE", path, bearer(bob), nil).want(404, "session_not_found")
	w.call("DELETE", path, bearer(first), nil).want(204, "")
	w.call("DELETE", path, bearer(first), nil).want(404, "session_not_found")
	w.refused(second)
	page = decode[auth.SessionPage](w.call("GET", "/v1/auth/sessions", bearer(first), nil).want(200, ""))
	if len(page.Items) != 1 {
		t.Errorf("sessions after one was ended: %+v", page)
	}
}

func TestTheEndOfASessionIsPublishedAndListed(t *testing.T) {
	w := start(t, nil)
	ann := w.register("ann@example.com")
	s, err := w.env.Broker.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Add(t.Context(), chat.SessionsChannel, chat.UserChannel(ann.User.ID)); err != nil {
		t.Fatal(err)
	}
	before := chat.Now()
	w.call("POST", "/v1/auth/logout", bearer(ann), nil).want(204, "")
	heard := map[string]chat.SessionEvent{}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 2 {
		d, err := s.Receive(soon)
		if err != nil {
			t.Fatal(err)
		}
		heard[d.Channel] = eventOf(t, d)
	}
	event := heard[chat.SessionsChannel]
	if event != heard[chat.UserChannel(ann.User.ID)] || event.Type != chat.SessionEnded || event.SessionID != ann.SessionID || event.UserID != ann.User.ID {
		t.Errorf("heard %+v", heard)
	}
	if life := time.Until(event.ExpiresAt.Time); life < 15*time.Minute || life > 17*time.Minute {
		t.Errorf("it is to be remembered for %v, its tokens live for 15 min", life)
	}
	for name, since := range map[string]chat.Time{"ever": {}, "since before": before} {
		got, err := w.app.Peer().Revocations(t.Context(), peer.RevocationsRequest{Since: since})
		if err != nil || len(got.Sessions) != 1 || got.Sessions[0] != event || got.Now.Before(before.Time) {
			t.Errorf("revocations %s: %+v, %v", name, got, err)
		}
		before = got.Now
	}
	time.Sleep(2 * time.Millisecond)
	if got, err := w.app.Peer().Revocations(t.Context(), peer.RevocationsRequest{Since: chat.Now()}); err != nil || len(got.Sessions) != 0 {
		t.Errorf("revocations since now: %+v, %v", got, err)
	}
}

func eventOf(t *testing.T, d broker.Delivery) chat.SessionEvent {
	t.Helper()
	var event chat.SessionEvent
	if err := json.Unmarshal(d.Payload, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func TestManySessionsEndTogether(t *testing.T) {
	w := start(t, nil)
	ann := w.register("ann@example.com")
	w.storeSessions(ann.SessionID, chat.MaxPage+50) // more than are listed at once
	w.call("POST", "/v1/auth/logout-all", bearer(ann), nil).want(204, "")
	live, err := w.repo.LiveSessions(t.Context(), ann.User.ID, "", chat.Now(), 10)
	if err != nil || len(live) != 0 || w.metric("confab_sessions_ended_total") != chat.MaxPage+51 {
		t.Errorf("%d sessions are left, %v", len(live), err)
	}
}

func TestTheOldestSessionEndsWhenOneTooManyBegins(t *testing.T) {
	w := start(t, nil)
	first, bob := w.register("ann@example.com"), w.register("bob@example.com")
	second := decode[auth.Tokens](w.login("ann@example.com", password).want(200, ""))
	w.storeSessions(first.SessionID, 98)
	w.call("GET", "/v1/users/me", bearer(first), nil).want(200, "")
	last := decode[auth.Tokens](w.login("ann@example.com", password).want(200, ""))
	w.refused(first)
	w.refresh(first.RefreshToken).want(401, "refresh_token_refused")
	for name, other := range map[string]auth.Tokens{"the second": second, "the last": last, "another user's": bob} {
		if a := w.refresh(other.RefreshToken); a.status != 200 {
			t.Errorf("%s has ended too: %s", name, a.body)
		}
	}
	if live, err := w.repo.LiveSessions(t.Context(), first.User.ID, "", chat.Now(), 200); err != nil || len(live) != 100 {
		t.Errorf("%d sessions live, %v, want 100", len(live), err)
	}
	if w.metric("confab_sessions_ended_total") != 1 {
		t.Error("the end is not counted once")
	}
}

func TestALoginEndsAllThatAreTooManyButItself(t *testing.T) {
	w := start(t, nil)
	ann := w.register("ann@example.com")
	w.storeSessions(ann.SessionID, chat.MaxPage+110)
	future := w.session(ann.SessionID)
	for i := range 100 { // of a replica whose clock is ahead
		future.ID = fmt.Sprintf("ffffffff%016x", i)
		if err := w.repo.CreateSession(t.Context(), future); err != nil {
			t.Fatal(err)
		}
	}
	last := decode[auth.Tokens](w.login("ann@example.com", password).want(200, ""))
	w.refresh(last.RefreshToken).want(200, "")
	live, err := w.repo.LiveSessions(t.Context(), ann.User.ID, "", chat.Now(), 200)
	if err != nil || len(live) != 100 || live[98].ID != "ffffffff0000000000000001" || live[99].ID != last.SessionID {
		t.Errorf("%d sessions live, %v", len(live), err)
	}
}

func (w *world) session(sessionID string) auth.Session {
	w.t.Helper()
	s, err := w.repo.Session(w.t.Context(), sessionID)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// storeSessions stores n more sessions like that one, all at once.
func (w *world) storeSessions(sessionID string, n int) []auth.Session {
	w.t.Helper()
	all := make([]auth.Session, n)
	errs := make([]error, n)
	var running sync.WaitGroup
	for i := range all {
		all[i] = w.session(sessionID)
		all[i].ID = id.New()
		running.Go(func() { errs[i] = w.repo.CreateSession(w.t.Context(), all[i]) })
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		w.t.Fatal(err)
	}
	return all
}

func TestManyEndedSessionsAreListedInPages(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	ann := w.register("ann@example.com")
	const more = 50
	all := w.storeSessions(ann.SessionID, peer.RevocationsPage+more)
	at := chat.Now() // of them all
	for batch := range slices.Chunk(all, 1000) {
		var ids []string
		for _, s := range batch {
			ids = append(ids, s.ID)
		}
		if _, err := w.repo.EndSessions(t.Context(), ann.User.ID, ids, at); err != nil {
			t.Fatal(err)
		}
	}
	internal := httptest.NewServer(w.app.Internal())
	defer internal.Close()
	for name, from := range map[string]peer.Auth{"in process": w.app.Peer(), "over HTTP": peer.NewAuth(internal.URL, w.env.ServiceKeys)} {
		first, err := from.Revocations(t.Context(), peer.RevocationsRequest{})
		if err != nil || len(first.Sessions) != peer.RevocationsPage || first.Next == nil {
			t.Fatalf("%s: the first page has %d, then %v, %v", name, len(first.Sessions), first.Next, err)
		}
		last, err := from.Revocations(t.Context(), *first.Next)
		if err != nil || len(last.Sessions) != more || last.Next != nil {
			t.Fatalf("%s: the last page has %d, then %v, %v", name, len(last.Sessions), last.Next, err)
		}
		told := map[string]bool{}
		for _, e := range append(first.Sessions, last.Sessions...) {
			told[e.SessionID] = true
		}
		if len(told) != len(all) {
			t.Errorf("%s: %d different sessions of %d", name, len(told), len(all))
		}
		if _, err := from.Revocations(t.Context(), peer.RevocationsRequest{After: "no id!"}); fault.From(err).Kind != fault.Invalid {
			t.Errorf("%s: after what is no id: %v", name, err)
		}
	}
}

func TestReplicasShareKeysAndSecrets(t *testing.T) {
	handle := openSQLite(t)
	var worlds [4]*world
	var running sync.WaitGroup
	repos := [4]auth.Repository{handle(t), handle(t), handle(t), handle(t)}
	for i := range worlds {
		running.Go(func() { worlds[i] = newWorld(t, repos[i], nil) })
	}
	running.Wait()
	ann := worlds[0].register("ann@example.com")
	for _, w := range worlds {
		w.run()
		w.call("GET", "/v1/users/me", bearer(ann), nil).want(200, "")
		w.refresh(ann.RefreshToken).want(200, "")
		keys := decode[peer.JWKS](w.call("GET", "/.well-known/jwks.json", "", nil).want(200, ""))
		if len(keys.Keys) != 1 || keys.Keys[0].Curve != "Ed25519" {
			t.Errorf("keys: %+v", keys)
		}
	}
	worlds[3].call("POST", "/v1/auth/logout", bearer(ann), nil).want(204, "")
	w := newWorld(t, handle(t), nil)
	w.run()
	w.call("GET", "/v1/users/me", bearer(ann), nil).want(401, "token_refused")
}

func TestInternalRoutesAreLockedAndNotPublic(t *testing.T) {
	w := start(t, nil)
	ann, bob := w.register("ann@example.com"), w.register("bob@example.com")
	internal := httptest.NewServer(w.app.Internal())
	defer internal.Close()
	client := peer.NewAuth(internal.URL, w.env.ServiceKeys)
	stranger := peer.NewAuth(internal.URL, peer.Keys{[]byte("another key that nobody here has seen yet")})
	if _, err := stranger.Users(t.Context(), peer.UsersRequest{IDs: []string{ann.User.ID}}); err == nil {
		t.Error("a stranger was answered")
	}
	users, err := client.Users(t.Context(), peer.UsersRequest{IDs: []string{ann.User.ID, "nobody"}})
	if err != nil || len(users.Items) != 1 || users.Items[0] != (peer.User{ID: ann.User.ID, FirstName: "Ann", LastName: "Arbor"}) {
		t.Errorf("users: %+v, %v", users, err)
	}
	others, err := client.Recipients(identity.As(t.Context(), ann.User.ID), peer.RecipientsRequest{Limit: 1})
	if err != nil || len(others.Items) != 1 || others.Items[0].ID != bob.User.ID {
		t.Errorf("recipients: %+v, %v", others, err)
	}
	if keys, err := client.Keys(t.Context(), peer.KeysRequest{}); err != nil || len(keys.Keys) != 1 {
		t.Errorf("keys: %+v, %v", keys, err)
	}
	if ended, err := client.Revocations(t.Context(), peer.RevocationsRequest{}); err != nil || len(ended.Sessions) != 0 || ended.Now.IsZero() {
		t.Errorf("revocations: %+v, %v", ended, err)
	}
	for _, path := range []string{peer.PathKeys, peer.PathRevocations, peer.PathUsers, peer.PathRecipients} {
		w.call("POST", path, bearer(ann), object{}).want(404, "no_such_route")
	}
}
