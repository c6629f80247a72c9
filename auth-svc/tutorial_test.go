package auth_test

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/token"
)

type tutorialSession struct {
	Token string
	User  struct {
		ID string `json:"_id"`
	}
}

const tutorialAnn = `{"email":"ann@example.com","firstName":"Ann","lastName":"Arbor","password":"` + password + `"}`

// tutorialRegister makes a user as the tutorial's clients do.
func (w *world) tutorialRegister(body string) tutorialSession {
	w.t.Helper()
	var s tutorialSession
	if err := json.Unmarshal([]byte(w.call("POST", "/api/auth/register", "", body).want(201, "").body), &s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// secrets are what differs from one answer to the next.
var secrets = regexp.MustCompile(`JWT eyJ[A-Za-z0-9_.-]+|"_id":"[0-9a-f]{24}"`)

func TestTheTutorialsRoutesAnswerItsExactBodies(t *testing.T) {
	const (
		session = `{"token":"*","user":{*,"firstName":"Bob","lastName":"Builder","email":"bob@example.com","role":"Member"}}` + "\n"
		missing = `{"error":"Your request could not be processed as entered. Please try again."}` + "\n"
		sent    = `{"message":"Please check your email for the link to reset your password."}` + "\n"
		expired = `{"error":"Your token has expired. Please attempt to reset your password again."}` + "\n"
	)
	w := start(t, nil)
	ann := w.tutorialRegister(tutorialAnn)
	tests := []struct {
		name, method, path, token, body string
		status                          int
		want                            string
	}{
		{"register nothing", "POST", "/api/auth/register", "", ``, 422, `{"error":"You must enter an email address."}` + "\n"},
		{"register without an email", "POST", "/api/auth/register", "", `{"firstName":"Bob"}`, 422, `{"error":"You must enter an email address."}` + "\n"},
		{"register an operator", "POST", "/api/auth/register", "", `{"email":{"$gt":""}}`, 422, `{"error":"You must enter an email address."}` + "\n"},
		{"register without names", "POST", "/api/auth/register", "", `{"email":"bob@example.com"}`, 422, `{"error":"You must enter your full name."}` + "\n"},
		{"register without a last name", "POST", "/api/auth/register", "", `{"email":"bob@example.com","firstName":"Bob","lastName":" "}`, 422, `{"error":"You must enter your full name."}` + "\n"},
		{"register without a password", "POST", "/api/auth/register", "", `{"email":"bob@example.com","firstName":"Bob","lastName":"Builder"}`, 422, `{"error":"You must enter a password."}` + "\n"},
		{"register a taken email", "POST", "/api/auth/register", "", strings.Replace(tutorialAnn, "ann@", "ANN@", 1), 422, `{"error":"That email address is already in use."}` + "\n"},
		{"register a malformed email", "POST", "/api/auth/register", "", strings.Replace(tutorialAnn, "ann@", "ann", 1), 422, `{"error":"Please enter a valid email address."}` + "\n"},
		{"register a short password", "POST", "/api/auth/register", "", strings.Replace(tutorialAnn, password, "short", 1), 422, `{"error":"Your password must have at least 8 characters."}` + "\n"},
		{"register", "POST", "/api/auth/register", "", `{"email":"Bob@example.com","firstName":"Bob","lastName":"Builder","password":"` + password + `","more":1}`, 201, session},
		{"login", "POST", "/api/auth/login", "", `{"email":"BOB@example.com","password":"` + password + `"}`, 200, session},
		{"login with a wrong password", "POST", "/api/auth/login", "", `{"email":"bob@example.com","password":"wrong"}`, 401, "Unauthorized"},
		{"login of nobody", "POST", "/api/auth/login", "", `{"email":"nobody@example.com","password":"wrong"}`, 401, "Unauthorized"},
		{"login with what is no email", "POST", "/api/auth/login", "", `{"email":"nobody","password":"wrong"}`, 401, "Unauthorized"},
		{"login without a password", "POST", "/api/auth/login", "", `{"email":"bob@example.com"}`, 400, "Bad Request"},
		{"login with an operator", "POST", "/api/auth/login", "", `{"email":{"$gt":""},"password":{"$gt":""}}`, 400, "Bad Request"},
		{"login with no JSON", "POST", "/api/auth/login", "", `{`, 400, `{"error":"The body could not be parsed."}` + "\n"},
		{"forgot", "POST", "/api/auth/forgot-password", "", `{"email":"ann@example.com"}`, 200, sent},
		{"forgot of nobody", "POST", "/api/auth/forgot-password", "", `{"email":"nobody@example.com"}`, 200, sent},
		{"forgot without an email", "POST", "/api/auth/forgot-password", "", `{}`, 422, missing},
		{"forgot of a malformed email", "POST", "/api/auth/forgot-password", "", `{"email":"nobody"}`, 422, missing},
		{"reset with a wrong token", "POST", "/api/auth/reset-password/nonsense", "", `{"password":"` + newPassword + `"}`, 422, expired},
		{"reset with a wrong token and no password", "POST", "/api/auth/reset-password/%00", "", `{}`, 422, expired},
		{"my profile", "GET", "/api/user/" + ann.User.ID, ann.Token, "", 200, `{"user":{*,"firstName":"Ann","lastName":"Arbor","email":"ann@example.com","role":"Member"}}` + "\n"},
		{"another's profile", "GET", "/api/user/000000000000000000000000", ann.Token, "", 401, `{"error":"You are not authorized to view this user profile."}` + "\n"},
		{"a profile without a token", "GET", "/api/user/" + ann.User.ID, "", "", 401, "Unauthorized"},
		{"protected", "GET", "/api/protected", ann.Token, "", 200, `{"content":"The protected test route is functional!"}` + "\n"},
		{"protected without a token", "GET", "/api/protected", "", "", 401, "Unauthorized"},
		{"protected without the scheme", "GET", "/api/protected", strings.TrimPrefix(ann.Token, "JWT "), "", 401, "Unauthorized"},
		{"admins only", "GET", "/api/admins-only", ann.Token, "", 401, `{"error":"You are not authorized to view this content."}` + "\n"},
		{"admins only without a token", "GET", "/api/admins-only", "JWT nonsense", "", 401, "Unauthorized"},
		{"what is not there", "GET", "/api/nothing", "", "", 404, `{"error":"There is nothing at this path."}` + "\n"},
	}
	for _, tt := range tests {
		a := w.call(tt.method, tt.path, tt.token, tt.body)
		if got := secrets.ReplaceAllString(a.body, "*"); a.status != tt.status || got != tt.want {
			t.Errorf("%s: got %d %q, want %d %q", tt.name, a.status, got, tt.status, tt.want)
		}
	}
}

func TestAnAdminSeesTheTutorialsDashboard(t *testing.T) {
	handle := openSQLite(t)
	newWorld(t, handle(t), nil).tutorialRegister(tutorialAnn)
	w := newWorld(t, handle(t), func(c *auth.Config) { c.AdminEmails = []string{"ann@example.com"} })
	w.run()
	a := w.call("POST", "/api/auth/login", "", tutorialAnn).want(200, "")
	var s tutorialSession
	if err := json.Unmarshal([]byte(a.body), &s); err != nil {
		t.Fatal(err)
	}
	if a := w.call("GET", "/api/admins-only", s.Token, nil).want(200, ""); a.body != `{"content":"Admin dashboard is working."}`+"\n" {
		t.Errorf("got %s", a.body)
	}
}

func TestTheTutorialsTokenLivesForAWeekAndWorksEverywhere(t *testing.T) {
	w := start(t, nil)
	ann := w.tutorialRegister(tutorialAnn)
	raw, ok := strings.CutPrefix(ann.Token, "JWT ")
	var claims token.Claims
	if _, _, err := jwt.NewParser().ParseUnverified(raw, &claims); err != nil || !ok {
		t.Fatal(err)
	}
	if life := claims.ExpiresAt.Sub(claims.IssuedAt.Time); life != 7*24*time.Hour || claims.UserID != ann.User.ID || claims.Role != "Member" {
		t.Errorf("it lives for %v: %+v", life, claims)
	}
	w.call("GET", "/v1/users/me", "Bearer "+raw, nil).want(200, "")
	w.call("GET", "/api/protected", "Bearer "+raw, nil).want(200, "")
	w.call("POST", "/v1/auth/logout", ann.Token, nil).want(204, "")
	w.eventually("the token is refused", func() bool { return w.call("GET", "/api/protected", ann.Token, nil).status == 401 })
}

func TestTheTutorialsClientsResetTheirPassword(t *testing.T) {
	w := start(t, nil)
	ann := w.tutorialRegister(tutorialAnn)
	path := "/api/auth/reset-password/" + w.forgot("ann@example.com")
	for body, sentence := range map[string]string{
		`{}`:                   "You must enter a password.",
		`{"password":"short"}`: "Your password must have at least 8 characters.",
	} {
		if a := w.call("POST", path, "", body).want(422, ""); a.body != `{"error":"`+sentence+`"}`+"\n" {
			t.Errorf("%s: got %s", body, a.body)
		}
	}
	a := w.call("POST", path, "", `{"password":"`+newPassword+`"}`).want(200, "")
	if want := `{"message":"Password changed successfully. Please login with your new password."}` + "\n"; a.body != want {
		t.Errorf("got %s, want %s", a.body, want)
	}
	w.call("POST", path, "", `{"password":"`+password+`"}`).want(422, "")
	w.eventually("the old token is refused", func() bool { return w.call("GET", "/api/protected", ann.Token, nil).status == 401 })
	w.call("POST", "/api/auth/login", "", object{"email": "ann@example.com", "password": newPassword}).want(200, "")
}

func TestTheTutorialsRoutesTakeFormsAndAllowItsPage(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/auth/register",
		strings.NewReader("email=ann%40example.com&firstName=Ann&lastName=Arbor&password=correct+horse"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://localhost:8080")
	a := w.serve(r).want(201, "")
	if a.header.Get("Access-Control-Allow-Origin") != "http://localhost:8080" || a.header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("headers: %v", a.header)
	}
	w.login("ann@example.com", "correct horse").want(200, "")
}
