package auth_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token"
)

func TestRegisterAnswersWithTokensOfTheNewUser(t *testing.T) {
	w := start(t, nil)
	a := w.call("POST", "/v1/auth/register", "",
		object{"email": " Ann@Example.COM ", "password": password, "first_name": " Ann  Marie ", "last_name": "Arbor"}).want(201, "")
	got := decode[auth.Tokens](a)
	u := got.User
	if u.Email != "ann@example.com" || u.FirstName != "Ann Marie" || u.LastName != "Arbor" || u.Role != "Member" || len(u.ID) != 24 {
		t.Errorf("user: %+v", u)
	}
	if got.TokenType != "Bearer" || got.ExpiresIn != 900 || got.RefreshToken == "" || got.SessionID == "" {
		t.Errorf("tokens: %s", a.body)
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q", a.header.Get("Cache-Control"))
	}
	var claims token.Claims
	if _, _, err := jwt.NewParser().ParseUnverified(got.AccessToken, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.UserID != u.ID || claims.Subject != u.ID || claims.SessionID != got.SessionID || claims.Email != u.Email ||
		claims.FirstName != u.FirstName || claims.LastName != u.LastName || claims.Role != "Member" {
		t.Errorf("claims: %+v", claims)
	}
	me := decode[auth.ProfileResponse](w.call("GET", "/v1/users/me", bearer(got), nil).want(200, ""))
	if me.User != u {
		t.Errorf("me is %+v, want %+v", me.User, u)
	}
}

func TestAnEmailIsRegisteredOnce(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	w.together("/v1/auth/register", object{"email": "ann@example.com", "password": password, "first_name": "Ann", "last_name": "Arbor"}, 201, 409)
	w.call("POST", "/v1/auth/register", "", object{"email": "ANN@example.com", "password": password, "first_name": "A", "last_name": "B"}).want(409, "email_taken")
}

func TestLoginWantsEmailAndPassword(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	ann := w.register("ann@example.com")
	got := decode[auth.Tokens](w.login("  ANN@example.com", password).want(200, ""))
	if got.User != ann.User || got.SessionID == ann.SessionID {
		t.Errorf("got %+v, want a new session of %+v", got, ann.User)
	}
	wrong := w.login("ann@example.com", "wrong password").want(401, "credentials_refused")
	nobody := w.login("nobody@example.com", password).want(401, "credentials_refused")
	if requestIDs.ReplaceAllString(wrong.body, "") != requestIDs.ReplaceAllString(nobody.body, "") {
		t.Errorf("the answers differ:\n%s%s", wrong.body, nobody.body)
	}
}

func TestLoginDoesTheSameWorkForAnUnknownEmail(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	w.register("ann@example.com")
	const hashes = "confab_password_hash_duration_seconds"
	before := w.metric(hashes)
	w.login("ann@example.com", "wrong password").want(401, "")
	known := w.metric(hashes) - before
	w.login("nobody@example.com", "wrong password").want(401, "")
	if unknown := w.metric(hashes) - before - known; known != 1 || unknown != 1 {
		t.Errorf("%v hashes for a known email, %v for an unknown one", known, unknown)
	}
}

func TestLoginMakesAWeakHashAnew(t *testing.T) {
	repo := openSQLite(t)(t)
	w := newWorld(t, repo, nil)
	ann := w.register("ann@example.com")
	u, err := repo.User(t.Context(), ann.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	old := u.PasswordHash
	u.PasswordHash = auth.WeakHash(password)
	if err := repo.ReplacePassword(t.Context(), u, old); err != nil {
		t.Fatal(err)
	}
	w.login("ann@example.com", "wrong password").want(401, "")
	w.login("ann@example.com", password).want(200, "")
	u, err = repo.User(t.Context(), ann.User.ID)
	if err != nil || !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the hash is %s, %v", u.PasswordHash, err)
	}
	w.login("ann@example.com", password).want(200, "")
	w.refresh(ann.RefreshToken).want(200, "")
}

func TestEditMeChangesWhatIsGiven(t *testing.T) {
	w := start(t, nil)
	ann := w.register("ann@example.com")
	got := decode[auth.ProfileResponse](w.call("PATCH", "/v1/users/me", bearer(ann), object{"first_name": "Anna"}).want(200, ""))
	if got.User.FirstName != "Anna" || got.User.LastName != "Arbor" {
		t.Errorf("got %+v", got.User)
	}
	w.call("PATCH", "/v1/users/me", bearer(ann), object{"last_name": "Ash"}).want(200, "")
	got = decode[auth.ProfileResponse](w.call("GET", "/v1/users/me", bearer(ann), nil).want(200, ""))
	if got.User.FirstName != "Anna" || got.User.LastName != "Ash" {
		t.Errorf("got %+v", got.User)
	}
	w.call("PATCH", "/v1/users/me", bearer(ann), object{}).want(400, "invalid_field")
	w.call("PATCH", "/v1/users/me", bearer(ann), object{"email": "x@example.com"}).want(400, "unknown_field")
	if page := decode[auth.UserPage](w.call("GET", "/v1/users?prefix=ANNA+A", bearer(ann), nil).want(200, "")); len(page.Items) != 1 {
		t.Errorf("found by her new name: %+v", page)
	}
}

func TestUsersAreFoundByIDsPrefixAndEmail(t *testing.T) {
	w := start(t, nil)
	ann, bob := w.register("ann@example.com"), w.register("bob@example.com")
	w.call("PATCH", "/v1/users/me", bearer(bob), object{"first_name": "Bob"}).want(200, "")
	carl := w.register("carl@example.com")
	tests := []struct {
		name, query string
		want        []string
	}{
		{"by ids", "ids=" + bob.User.ID + "," + carl.User.ID + ",nobody", []string{bob.User.ID, carl.User.ID}},
		{"by prefix", "prefix=bo", []string{bob.User.ID}},
		{"by prefix, whatever the case", "prefix=ANN", []string{ann.User.ID, carl.User.ID}},
		{"by email, whatever the case", "email=" + url.QueryEscape("Bob@example.com "), []string{bob.User.ID}},
		{"by an unknown email", "email=nobody@example.com", nil},
		{"by a part of an email", "email=bob@example.co", nil},
	}
	for _, tt := range tests {
		a := w.call("GET", "/v1/users?"+tt.query, bearer(ann), nil).want(200, "")
		wantUsers(t, tt.name, decode[auth.UserPage](a).Items, tt.want)
		if strings.Contains(a.body, "@") || !strings.Contains(a.body, `"next":null`) || !strings.Contains(a.body, `"has_more":false`) {
			t.Errorf("%s: %s", tt.name, a.body)
		}
	}
}

func TestUsersOfAPrefixArePaged(t *testing.T) {
	w := start(t, nil)
	ann := w.register("1@example.com")
	want := []string{ann.User.ID, w.register("2@example.com").User.ID, w.register("3@example.com").User.ID}
	var got []peer.User
	for cursor := ""; ; {
		page := decode[auth.UserPage](w.call("GET", "/v1/users?prefix=ann&limit=2&cursor="+cursor, bearer(ann), nil).want(200, ""))
		got = append(got, page.Items...)
		if page.HasMore != (page.Next != nil) {
			t.Fatalf("page: %+v", page)
		}
		if !page.HasMore {
			break
		}
		cursor = *page.Next
		w.call("GET", "/v1/users?prefix=bob&cursor="+cursor, bearer(ann), nil).want(400, "invalid_field")
	}
	wantUsers(t, "all pages", got, want)
}

func wantUsers(t *testing.T, name string, users []peer.User, want []string) {
	t.Helper()
	got := map[string]bool{}
	for _, u := range users {
		got[u.ID] = true
	}
	for _, id := range want {
		if !got[id] || len(users) != len(want) {
			t.Errorf("%s: got %+v, want %v", name, users, want)
			return
		}
	}
	if len(users) != len(want) {
		t.Errorf("%s: got %+v, want %v", name, users, want)
	}
}
