package e2e_test

import (
	"strings"
	"testing"
	"time"
)

// alive reports whether the token is taken by all services.
func (p person) alive(t *testing.T) bool {
	t.Helper()
	for _, path := range []string{"/v1/users/me", "/v1/conversations", "/v1/messages?conversation_id=none"} {
		if p.call(t, "GET", path, nil).status == 401 {
			return false
		}
	}
	return true
}

// dead waits until no service takes the token: they hear of it beside the request.
func (p person) dead(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/v1/users/me", "/v1/conversations", "/v1/messages?conversation_id=none"} {
		eventually(t, "the token is refused on "+path, func() bool { return p.call(t, "GET", path, nil).status == 401 })
	}
	refuse(t, 401, "refresh_token_refused", p.call(t, "POST", "/v1/auth/refresh", map[string]string{"refresh_token": p.refresh}))
}

func (p person) refreshed(t *testing.T) person {
	t.Helper()
	return p.logged(want[tokens](t, 200, p.call(t, "POST", "/v1/auth/refresh", map[string]string{"refresh_token": p.refresh})))
}

func TestRefreshGivesTheNextTokensOfTheSameSession(t *testing.T) {
	first := register(t, underTest.url)
	second := first.refreshed(t)
	if second.session != first.session || second.refresh == first.refresh || second.token == first.token {
		t.Fatalf("%+v, then %+v", first, second)
	}
	if again := first.refreshed(t); again.refresh != second.refresh { // the answer was lost
		t.Fatal("a late retry does not get the current token")
	}
	third := second.refreshed(t)
	if !third.alive(t) || !first.alive(t) { // an access token lives out its time
		t.Fatal("a token of the session is refused")
	}
	late := first.call(t, "POST", "/v1/auth/refresh", map[string]string{"refresh_token": first.refresh})
	if got := want[tokens](t, 200, late); got.RefreshToken != third.refresh { // within a minute of the successor's use
		t.Fatal("a retry within the grace does not get the current token")
	}
}

func TestRefreshTokenThatComesAgainTooLateEndsTheSession(t *testing.T) {
	first := register(t, underTest.url)
	last := first
	for range 36 { // past what a session remembers; the other way is to wait for a minute
		last = last.refreshed(t)
	}
	refuse(t, 401, "refresh_token_refused", first.call(t, "POST", "/v1/auth/refresh", map[string]string{"refresh_token": first.refresh}))
	last.dead(t)
}

func TestLogoutEndsOneSession(t *testing.T) {
	phone := register(t, underTest.url)
	laptop := phone.login(t)
	socket := phone.dial(t)
	want[any](t, 204, phone.call(t, "POST", "/v1/auth/logout", nil))
	if f := socket.until("closed"); f.Seq != 4501 {
		t.Fatalf("its socket hears %+v", f)
	}
	phone.dead(t)
	if !laptop.alive(t) {
		t.Fatal("the other session has ended too")
	}
}

func TestLogoutEverywhereEndsAllSessions(t *testing.T) {
	phone := register(t, underTest.url)
	laptop := phone.login(t)
	want[any](t, 204, laptop.call(t, "POST", "/v1/auth/logout-all", nil))
	phone.dead(t)
	laptop.dead(t)
	if !phone.login(t).alive(t) {
		t.Fatal("she cannot log in again")
	}
}

func TestSessionsAreListedAndEndedOneByOne(t *testing.T) {
	phone := register(t, underTest.url)
	nextSecond() // by which sessions are ordered, whichever replica made them
	laptop := phone.login(t)
	nextSecond()
	tablet := phone.login(t)
	type item struct {
		ID      string `json:"id"`
		Label   string `json:"label"`
		Current bool   `json:"current"`
	}
	first := want[page[item, string]](t, 200, laptop.call(t, "GET", "/v1/auth/sessions?limit=2", nil))
	if !first.HasMore || len(first.Items) != 2 || first.Items[0].ID != tablet.session || !first.Items[1].Current || first.Items[1].Label != "confab-e2e" {
		t.Fatalf("the first page is %+v", first)
	}
	rest := want[page[item, string]](t, 200, laptop.call(t, "GET", "/v1/auth/sessions?limit=2&cursor="+*first.Next, nil))
	if rest.HasMore || rest.Next != nil || len(rest.Items) != 1 || rest.Items[0].ID != phone.session {
		t.Fatalf("the second page is %+v", rest)
	}
	want[any](t, 204, laptop.call(t, "DELETE", "/v1/auth/sessions/"+phone.session, nil))
	refuse(t, 404, "session_not_found", laptop.call(t, "DELETE", "/v1/auth/sessions/"+phone.session, nil))
	phone.dead(t)
	if !laptop.alive(t) || !tablet.alive(t) {
		t.Fatal("another session has ended too")
	}
}

// nextSecond waits until the clock's second changes.
func nextSecond() { time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) }

func TestNewPasswordEndsAllOtherSessions(t *testing.T) {
	phone := register(t, underTest.url)
	laptop := phone.login(t)
	change := func(current string) answer {
		return laptop.call(t, "POST", "/v1/auth/password", map[string]string{"current_password": current, "new_password": "battery staple"})
	}
	refuse(t, 403, "password_refused", change("wrong horse"))
	if !phone.alive(t) {
		t.Fatal("a refused change ended a session")
	}
	want[any](t, 204, change(phone.password))
	phone.dead(t)
	if !laptop.alive(t) || !laptop.refreshed(t).alive(t) {
		t.Fatal("the session that changed it has ended")
	}
	refuse(t, 401, "credentials_refused", phone.call(t, "POST", "/v1/auth/login", map[string]string{"email": phone.email, "password": phone.password}))
	phone.password = "battery staple"
	phone.login(t)
}

func TestProfileIsReadAndEdited(t *testing.T) {
	ann := register(t, underTest.url)
	type profile struct {
		User struct {
			ID        string `json:"id"`
			FirstName string `json:"first_name"`
			LastName  string `json:"last_name"`
		} `json:"user"`
	}
	edited := want[profile](t, 200, ann.call(t, "PATCH", "/v1/users/me", map[string]string{"first_name": "  Anna   Maria "}))
	if read := want[profile](t, 200, ann.call(t, "GET", "/v1/users/me", nil)); read != edited || read.User.FirstName != "Anna Maria" || read.User.LastName != "Last" {
		t.Fatalf("edited %+v, read %+v", edited, read)
	}
	refuse(t, 400, "invalid_field", ann.call(t, "PATCH", "/v1/users/me", map[string]string{}))
}

func TestUsersAreFoundWithoutTheirAddresses(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	name := "Zoë" + random()
	for _, p := range []person{ann, bob} {
		want[any](t, 200, p.call(t, "PATCH", "/v1/users/me", map[string]string{"first_name": name}))
	}
	type user struct {
		ID string `json:"id"`
	}
	find := func(query string) page[user, string] {
		t.Helper()
		a := ann.call(t, "GET", "/v1/users?"+query, nil)
		if strings.Contains(a.body, "@") {
			t.Fatalf("the answer holds an address: %s", a.body)
		}
		return want[page[user, string]](t, 200, a)
	}
	if got := find("ids=" + ann.id + "," + bob.id + ",nobody"); len(got.Items) != 2 {
		t.Fatalf("by ids: %+v", got)
	}
	if got := find("email=" + strings.ToUpper(bob.email)); len(got.Items) != 1 || got.Items[0].ID != bob.id {
		t.Fatalf("by address: %+v", got)
	}
	if got := find("email=nobody" + random() + "@example.com"); len(got.Items) != 0 {
		t.Fatalf("by an address of nobody: %+v", got)
	}
	first := find("limit=1&prefix=" + strings.ToUpper(name))
	if !first.HasMore || len(first.Items) != 1 {
		t.Fatalf("by prefix: %+v", first)
	}
	second := find("limit=1&prefix=" + strings.ToUpper(name) + "&cursor=" + *first.Next)
	if second.HasMore || len(second.Items) != 1 || second.Items[0] == first.Items[0] {
		t.Fatalf("by prefix, the second page: %+v", second)
	}
}

func TestTokenThatWasTakenIsRefusedWhenItsTimeIsOver(t *testing.T) {
	t.Parallel() // it waits
	v := visit(own(t, "-tutorial-token-ttl", "3s").url)
	type session struct {
		Token string `json:"token"`
	}
	s := want[session](t, 201, v.call(t, "POST", "/api/auth/register", map[string]string{
		"email": random() + "@example.com", "password": "correct horse", "firstName": "Ann", "lastName": "Lee",
	}))
	ann := person{visitor: v.with(strings.TrimPrefix(s.Token, "JWT "))}
	if !ann.alive(t) {
		t.Fatal("the token is refused from the start")
	}
	socket := ann.dial(t)
	if f := socket.until("closed"); f.Seq != 4401 {
		t.Fatalf("its socket hears %+v", f)
	}
	for _, path := range []string{"/v1/users/me", "/v1/conversations", "/v1/messages?conversation_id=none"} {
		refuse(t, 401, "token_refused", ann.call(t, "GET", path, nil))
	}
}
