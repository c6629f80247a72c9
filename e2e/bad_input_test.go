package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// stage is a scene with all that its member can see, to tell whether a refused request changed anything.
type stage struct {
	scene
	before string
}

func newStage(t *testing.T, url string) stage {
	s := stage{scene: newCast(t, url).scene(t)}
	s.before = s.all(t)
	return s
}

func (s stage) all(t *testing.T) string {
	t.Helper()
	author := s.people[plain]
	return s.state(t) + author.call(t, "GET", "/v1/conversations", nil).body + author.call(t, "GET", "/v1/users/me", nil).body +
		author.call(t, "GET", "/v1/auth/sessions", nil).body
}

// refuses sends a request of the member and wants it refused without a trace.
func (s stage) refuses(t *testing.T, method, path string, body any, status int, code, field string, headers ...string) {
	t.Helper()
	a := s.people[plain].call(t, method, path, body, headers...)
	refuse(t, status, code, a)
	if field != "" && !strings.Contains(a.body, fmt.Sprintf(`"field":%q`, field)) {
		t.Fatalf("the field is not %s in %s", field, a.body)
	}
	if after := s.all(t); after != s.before {
		t.Fatalf("it was refused, and changed\n%s\nto\n%s", s.before, after)
	}
}

// badBodies are what no operation takes.
var badBodies = map[string]struct {
	body, kind string
	status     int
	code       string
}{
	"no body":                  {"", "", 400, "invalid_json"},
	"half a body":              {`{"a":`, "", 400, "invalid_json"},
	"a body and more":          {`{} {}`, "", 400, "invalid_json"},
	"null":                     {`null`, "", 400, "invalid_json"},
	"an array":                 {`[{}]`, "", 400, "invalid_json"},
	"a string":                 {`"body"`, "", 400, "invalid_json"},
	"a comment":                {`{/* */}`, "", 400, "invalid_json"},
	"not a number":             {`{"a":NaN}`, "", 400, "invalid_json"},
	"no UTF-8":                 {"{\"a\":\"\xff\"}", "", 400, "invalid_json"},
	"UTF-16":                   {"\xff\xfe{\x00}\x00", "", 400, "invalid_json"},
	"a NUL":                    {"{\x00}", "", 400, "invalid_json"},
	"60,000 arrays":            {`{"a":` + strings.Repeat("[", 60_000) + strings.Repeat("]", 60_000) + `}`, "", 400, "invalid_json"},
	"20,000 objects":           {strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), "", 400, "invalid_json"},
	"an unknown field":         {`{"no_such_field":1}`, "", 400, "unknown_field"},
	"an operator for a field":  {`{"$where":"1"}`, "", 400, "unknown_field"},
	"a field that may not be":  {`{"user_id_of_the_author":"x"}`, "", 400, "unknown_field"},
	"1 MiB":                    {`{"a":"` + strings.Repeat("x", 1<<20) + `"}`, "", 413, "body_too_large"},
	"a form":                   {"a=b", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
	"text":                     {"{}", "text/plain", 415, "unsupported_media_type"},
	"no type":                  {"{}", " ", 415, "unsupported_media_type"},
	"a type that is none":      {"{}", "application/json; charset", 415, "unsupported_media_type"},
	"another JSON, of patches": {"{}", "application/merge-patch+json", 415, "unsupported_media_type"},
}

func TestNoOperationTakesABadBody(t *testing.T) {
	s := newStage(t, underTest.url)
	for id, route := range theContract(t).ids {
		if route.Operation.RequestBody == nil || route.Operation.Tags[0] == "tutorial" {
			continue
		}
		path := s.fill(strings.NewReplacer("{id}", "$conversation").Replace(route.Path), plain)
		if strings.HasPrefix(path, "/v1/messages/") {
			path = "/v1/messages/" + s.message
		}
		for name, bad := range badBodies {
			t.Run(id+" with "+name, func(t *testing.T) {
				kind := bad.kind
				if kind == "" {
					kind = "application/json"
				}
				caller := s.people[plain]
				if id == "change_password" { // of which a user may try ten
					caller = register(t, underTest.url)
				}
				refuse(t, bad.status, bad.code, visitAs(caller).call(t, route.Method, path, bad.body, "Content-Type", strings.TrimSpace(kind)))
			})
		}
	}
	if after := s.all(t); after != s.before {
		t.Fatalf("something was changed:\n%s\n%s", s.before, after)
	}
}

// visitAs is the person at another address, for the limits by address.
func visitAs(p person) visitor { return visit(p.url).with(p.token) }

func TestNoOperationTakesABadQueryOrID(t *testing.T) {
	s := newStage(t, underTest.url)
	ids := map[string]string{
		"65 characters": strings.Repeat("a", 65), "an operator": `{"$gt":""}`, "a NUL": "a\x00", "no UTF-8": "\xff", "a slash": "a/b", "a space": "a b", "a letter beyond ASCII": "é",
	}
	for id, route := range theContract(t).ids {
		if id == "socket" || route.Operation.Tags[0] == "tutorial" {
			continue
		}
		var body any
		if route.Operation.RequestBody != nil {
			body = s.goodBody(id)
		}
		path := strings.NewReplacer("{id}", s.conversation, "{user_id}", s.bystander.id).Replace(route.Path)
		for _, query := range []string{"no_such=1", "$where=1"} {
			t.Run(id+" with "+query, func(t *testing.T) {
				refuse(t, 400, "unknown_parameter", visitAs(s.people[plain]).call(t, route.Method, path+"?"+query, body))
			})
		}
		if !strings.Contains(route.Path, "{id}") {
			continue
		}
		for name, bad := range ids {
			t.Run(id+" of "+name, func(t *testing.T) {
				path := strings.NewReplacer("{id}", url.PathEscape(bad), "{user_id}", s.bystander.id).Replace(route.Path)
				refuse(t, 400, "invalid_field", visitAs(s.people[plain]).call(t, route.Method, path, body))
			})
		}
	}
	if after := s.all(t); after != s.before {
		t.Fatalf("something was changed:\n%s\n%s", s.before, after)
	}
}

func TestNoTutorialRouteTakesABadBody(t *testing.T) {
	s := newStage(t, underTest.url)
	const form = "application/x-www-form-urlencoded"
	for id, route := range theContract(t).ids {
		if route.Operation.Tags[0] != "tutorial" {
			continue
		}
		path := s.fill(strings.NewReplacer("{conversationId}", "$conversation", "{messageId}", "$message", "{recipient}", "$bystander",
			"{userId}", "$member", "{token}", "x").Replace(route.Path), plain)
		for name, bad := range map[string]struct {
			body, kind string
			status     int
		}{
			"half a body":         {`{"a":`, "application/json", 400},
			"an array":            {`[{}]`, "application/json", 400},
			"a string":            {`"composedMessage"`, "application/json", 400},
			"no UTF-8":            {"{\"a\":\"\xff\"}", "application/json", 400},
			"no UTF-8 in a form":  {"a=\xff", form, 400},
			"hidden in a form":    {"a=%ff", form, 400},
			"a form that is none": {"a=%zz", form, 400},
			"40,000 arrays":       {`{"a":` + strings.Repeat("[", 40_000) + strings.Repeat("]", 40_000) + `}`, "application/json", 400},
			"1 MiB":               {`{"a":"` + strings.Repeat("x", 1<<20) + `"}`, "application/json", 413},
			"1 MiB of a form":     {"a=" + strings.Repeat("x", 1<<20), form, 413},
		} {
			t.Run(id+" with "+name, func(t *testing.T) {
				a := visitAs(s.people[plain]).call(t, route.Method, path, bad.body, "Content-Type", bad.kind)
				if a.status != bad.status || !strings.HasPrefix(a.body, `{"error":"`) {
					t.Fatalf("%d %s, want %d and {error}", a.status, a.body, bad.status)
				}
			})
		}
	}
	if after := s.all(t); after != s.before {
		t.Fatalf("something was changed:\n%s\n%s", s.before, after)
	}
}

// Some proxies mend a query, so this one asks a Confab of its own.
func TestNoOperationTakesAQueryThatCannotBeParsed(t *testing.T) {
	s := newStage(t, own(t).url)
	for id, route := range theContract(t).ids {
		if id == "socket" || route.Operation.Tags[0] == "tutorial" {
			continue
		}
		var body any
		if route.Operation.RequestBody != nil {
			body = s.goodBody(id)
		}
		path := strings.NewReplacer("{id}", s.conversation, "{user_id}", s.bystander.id).Replace(route.Path)
		for _, query := range []string{"%zz=1", "a=1;b=2"} {
			t.Run(id+" with "+query, func(t *testing.T) {
				refuse(t, 400, "invalid_query", visitAs(s.people[plain]).call(t, route.Method, path+"?"+query, body))
			})
		}
	}
	if after := s.all(t); after != s.before {
		t.Fatalf("something was changed:\n%s\n%s", s.before, after)
	}
}

// goodBody returns the body that the access table has for an operation.
func (s stage) goodBody(id string) string {
	for _, row := range accessTable {
		if row.operation == id {
			return s.fill(row.body, plain)
		}
	}
	return "{}"
}
