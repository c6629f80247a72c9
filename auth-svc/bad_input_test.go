package auth_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	w := start(t, nil)
	ann := w.register("ann@example.com")
	registerWith := func(name string, value any) object {
		body := object{"email": "bob@example.com", "password": password, "first_name": "Bob", "last_name": "Builder"}
		body[name] = value
		return body
	}
	const register, me, users = "/v1/auth/register", "/v1/users/me", "/v1/users?"
	tests := []struct {
		name, method, path string
		body               any
		status             int
		code               string
	}{
		{"no JSON", "POST", register, "email=x", 400, "invalid_json"},
		{"no body", "POST", register, "", 400, "invalid_json"},
		{"an array", "POST", register, "[]", 400, "invalid_json"},
		{"two objects", "POST", register, "{} {}", 400, "invalid_json"},
		{"deeply nested", "POST", register, `{"email":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + "}", 400, ""},
		{"too large", "POST", register, `{"email":"` + strings.Repeat("a", 200<<10) + `"}`, 413, "body_too_large"},
		{"invalid UTF-8", "POST", register, "{\"email\":\"\xff\"}", 400, "invalid_json"},
		{"an unknown field", "POST", register, registerWith("role", "Admin"), 400, "unknown_field"},
		{"a field that is the transport's", "POST", register, registerWith("Client", object{"Tutorial": true}), 400, "unknown_field"},
		{"an operator", "POST", register, registerWith("email", object{"$gt": ""}), 400, "invalid_field"},
		{"a wrong type", "POST", register, registerWith("first_name", 7), 400, "invalid_field"},
		{"null", "POST", register, registerWith("password", nil), 400, "invalid_field"},
		{"an empty email", "POST", register, registerWith("email", ""), 400, "invalid_field"},
		{"an email that is none", "POST", register, registerWith("email", "bob"), 400, "invalid_field"},
		{"an email with a name", "POST", register, registerWith("email", "Bob <bob@example.com>"), 400, "invalid_field"},
		{"an email with a second line", "POST", register, registerWith("email", "bob@example.com\r\nBcc: eve@example.com"), 400, "invalid_field"},
		{"an email with NUL", "POST", register, registerWith("email", "bob\x00@example.com"), 400, "invalid_field"},
		{"a long email", "POST", register, registerWith("email", strings.Repeat("b", 250)+"@example.com"), 400, "invalid_field"},
		{"a short password", "POST", register, registerWith("password", "seven77"), 400, "invalid_field"},
		{"a blank password", "POST", register, registerWith("password", "         "), 400, "invalid_field"},
		{"a long password", "POST", register, registerWith("password", strings.Repeat("p", 129)), 400, "invalid_field"},
		{"a blank name", "POST", register, registerWith("last_name", " \t"), 400, "invalid_field"},
		{"a long name", "POST", register, registerWith("last_name", strings.Repeat("n", 201)), 400, "invalid_field"},
		{"a name with NUL", "POST", register, registerWith("first_name", "B\x00b"), 400, "invalid_field"},
		{"a name with a control character", "POST", register, registerWith("first_name", "B\x1fb"), 400, "invalid_field"},
		{"login with an operator", "POST", "/v1/auth/login", `{"email":{"$gt":""},"password":{"$gt":""}}`, 400, "invalid_field"},
		{"login without a password", "POST", "/v1/auth/login", object{"email": "ann@example.com"}, 400, "invalid_field"},
		{"forgot without an email", "POST", "/v1/auth/password/forgot", object{}, 400, "invalid_field"},
		{"reset without a token", "POST", "/v1/auth/password/reset", object{"password": password}, 400, "invalid_field"},
		{"reset with an operator", "POST", "/v1/auth/password/reset", `{"token":{"$ne":null},"password":"x"}`, 400, "invalid_field"},
		{"a session that is no id", "DELETE", "/v1/auth/sessions/%7B%24gt%7D", nil, 400, "invalid_field"},
		{"a cursor that is no id", "GET", "/v1/auth/sessions?cursor=%00", nil, 400, "invalid_field"},
		{"a page that is too long", "GET", "/v1/auth/sessions?limit=201", nil, 400, "invalid_field"},
		{"a long new password", "POST", "/v1/auth/password", object{"current_password": password, "new_password": strings.Repeat("p", 129)}, 400, "invalid_field"},
		{"a blank new name", "PATCH", me, object{"first_name": " "}, 400, "invalid_field"},
		{"a role of one's own choice", "PATCH", me, object{"first_name": "Ann", "role": "Admin"}, 400, "unknown_field"},
		{"users in no way", "GET", users, nil, 400, "invalid_query"},
		{"users in two ways", "GET", users + "prefix=a&email=ann@example.com", nil, 400, "invalid_query"},
		{"users by ids, in pages", "GET", users + "ids=x&limit=1", nil, 400, "invalid_query"},
		{"users by no ids", "GET", users + "ids=", nil, 400, "invalid_field"},
		{"users by too many ids", "GET", users + "ids=" + strings.Repeat("x,", 200) + "x", nil, 400, "invalid_field"},
		{"users by an operator", "GET", users + "email[$gt]=", nil, 400, "unknown_parameter"},
		{"users by an empty prefix", "GET", users + "prefix=", nil, 400, "invalid_field"},
		{"users by a prefix with NUL", "GET", users + "prefix=a%00", nil, 400, "invalid_field"},
		{"users by a prefix that is no UTF-8", "GET", users + "prefix=%ff", nil, 400, "invalid_field"},
		{"users behind a cursor that is none", "GET", users + "prefix=a&cursor=!", nil, 400, "invalid_field"},
		{"another method", "PUT", "/v1/users/me", object{}, 405, "method_not_allowed"},
	}
	for _, tt := range tests {
		a := w.call(tt.method, tt.path, bearer(ann), tt.body)
		if a.status != tt.status || tt.code != "" && a.code() != tt.code || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: got %d %s, want %d %s", tt.name, a.status, a.body, tt.status, tt.code)
		}
	}
	if w.log.String() != "" {
		t.Errorf("the log has %s", w.log)
	}
	w.login("bob@example.com", password).want(401, "credentials_refused")
	w.refresh(ann.RefreshToken).want(200, "")
	if got := w.call("GET", me, bearer(ann), nil).want(200, ""); !strings.Contains(got.body, `"first_name":"Ann","last_name":"Arbor","role":"Member"`) {
		t.Errorf("she is now %s", got.body)
	}
}

func TestEveryRouteThatNeedsATokenRefusesWithoutOne(t *testing.T) {
	public := map[string]bool{
		"POST /v1/auth/register": true, "POST /v1/auth/login": true, "POST /v1/auth/refresh": true, "POST /v1/auth/password/forgot": true,
		"POST /v1/auth/password/reset": true, "GET /.well-known/jwks.json": true, "POST /api/auth/register": true, "POST /api/auth/login": true,
		"POST /api/auth/forgot-password": true, "POST /api/auth/reset-password/{token}": true,
	}
	w := start(t, nil)
	for _, route := range w.app.Routes() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		for _, token := range []string{"", "Bearer nonsense", "Basic YW5uOnB3"} {
			if a := w.call(method, path, token, object{}); (a.status == 401) == public[route.Pattern] {
				t.Errorf("%s with %q: got %d %s", route.Pattern, token, a.status, a.body)
			}
		}
	}
}

func TestBeforeItsKeysAreLoadedTheServiceSaysSo(t *testing.T) {
	w := newWorld(t, openSQLite(t)(t), nil)
	ann := w.register("ann@example.com")
	if w.app.Ready(t.Context()) == nil {
		t.Error("it is ready")
	}
	a := w.call("GET", "/v1/users/me", bearer(ann), nil).want(503, "keys_unavailable")
	if a.header.Get("Retry-After") == "" || !json.Valid([]byte(a.body)) {
		t.Errorf("got %v %s", a.header, a.body)
	}
}
