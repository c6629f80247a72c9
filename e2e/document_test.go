package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/confab-chat/confab/pkg/routes"
)

func TestDocumentIsValid(t *testing.T) {
	c := theContract(t)
	if err := c.doc.Validate(t.Context(), openapi3.EnableExamplesValidation(), openapi3.EnableMultiError()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.doc.OpenAPI, "3.1.") {
		t.Fatalf("the document is OpenAPI %s", c.doc.OpenAPI)
	}
	for id, route := range c.ids {
		if operation := route.Operation; operation.Summary == "" || len(operation.Tags) != 1 || c.doc.Tags.Get(operation.Tags[0]) == nil {
			t.Errorf("%s lacks a summary or a tag that the document explains", id)
		}
	}
}

func TestDocumentHasExactlyTheServedRoutes(t *testing.T) {
	var documented, served []string
	for id, route := range theContract(t).ids {
		if routes.Service(route.Path) == routes.Web {
			t.Errorf("%s: no service answers %s", id, route.Path)
		}
		documented = append(documented, route.Method+" "+route.Path)
	}
	for _, route := range own(t).app.Routes() {
		if !strings.Contains(route.Pattern, " ") {
			t.Errorf("%s takes any method: name those it serves", route.Pattern)
		}
		if !strings.HasSuffix(route.Pattern, " /socket.io/") { // docs/socketio.md has it
			served = append(served, route.Pattern)
		}
	}
	for _, route := range served {
		if !slices.Contains(documented, route) {
			t.Errorf("%s is served and not documented", route)
		}
	}
	for _, route := range documented {
		if !slices.Contains(served, route) {
			t.Errorf("%s is documented and not served", route)
		}
	}
}

// The one route that upgrades has a schema for its refusals alone; what it speaks is in docs/protocol.md.
func TestDocumentSaysWhichRoutesUpgrade(t *testing.T) {
	for id, route := range theContract(t).ids {
		if upgrades := route.Operation.Responses.Status(http.StatusSwitchingProtocols) != nil; upgrades != (route.Path == "/v1/ws") {
			t.Errorf("%s: documented to upgrade: %v", id, upgrades)
		}
	}
}

// An operator finds an operation in the metrics by the name that a developer finds in the document.
func TestOperationsAreNamedAsTheMetricsNameThem(t *testing.T) {
	families, err := own(t).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	measured := map[string]bool{"socket": true} // a socket is no request
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if family.GetName() == "confab_request_duration_seconds" && label.GetName() == "endpoint" {
					measured[label.GetValue()] = true
				}
			}
		}
	}
	for id := range theContract(t).ids {
		if !measured[id] {
			t.Errorf("no metric has the endpoint %q", id)
		}
	}
}

func TestEveryErrorOfV1HasACodeThatTheDocumentNames(t *testing.T) {
	for id, route := range theContract(t).ids {
		if route.Operation.Tags[0] == "tutorial" {
			continue
		}
		for status, response := range route.Operation.Responses.Map() {
			if status < "400" {
				continue
			}
			media := response.Value.Content["application/problem+json"]
			if media == nil || len(codesOf(media.Schema.Value)) == 0 {
				t.Errorf("%s: %s names no code", id, status)
			}
			for _, code := range codesOf(media.Schema.Value) {
				if !strings.Contains(*response.Value.Description, "`"+code+"`") {
					t.Errorf("%s: the description of %s leaves out %s", id, status, code)
				}
			}
		}
	}
}

// codesOf returns the codes that the schema of a problem allows.
func codesOf(schema *openapi3.Schema) []string {
	var codes []string
	for _, part := range schema.AllOf {
		property := part.Value.Properties["code"]
		if property == nil || property.Value.Pattern != "" {
			continue
		}
		for _, code := range append(property.Value.Enum, property.Value.Const) {
			if text, ok := code.(string); ok {
				codes = append(codes, text)
			}
		}
	}
	return codes
}

// Codes that never leave the server in this form: of the tutorial's sentences, of service tokens, of clients that left.
var untold = []string{"bad_request", "not_authorized", "unprocessable", "message_required", "recipient_invalid", "invalid_body", "service_token", "canceled"}

var newFault = regexp.MustCompile(`fault\.New\(fault\.\w+, "(\w+)"`)

func TestEveryCodeInTheSourceIsDocumented(t *testing.T) {
	document, err := os.ReadFile("../docs/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, pattern := range []string{"../pkg/fault/*.go", "../pkg/httpkit/*.go", "../pkg/peer/*.go", "../pkg/token/*.go", "../auth-svc/*.go", "../conversation-svc/*.go", "../message-svc/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(found), err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range newFault.FindAllStringSubmatch(string(source), -1) {
			if !strings.HasSuffix(file, "_test.go") && !slices.Contains(untold, code[1]) && !strings.Contains(string(document), "`"+code[1]+"`") {
				t.Errorf("%s: the document says nothing of %s", file, code[1])
			}
		}
	}
}

func TestContractSeesWhatIsWrong(t *testing.T) {
	const me = `{"user":{"id":"u1","email":"a@example.com","first_name":"A","last_name":"L","role":"Member","created_at":"2026-05-06T07:08:09.123Z"}}`
	problem := func(status, code string) string {
		return `{"type":"about:blank","title":"T","status":` + status + `,"code":"` + code + `","detail":"D","request_id":"r1"}`
	}
	for name, test := range map[string]struct {
		status     int
		kind, body string
		right      bool
	}{
		"an answer as documented":      {200, "application/json", me, true},
		"an undocumented status":       {202, "application/json", me, false},
		"another content type":         {200, "text/plain", me, false},
		"a field too many":             {200, "application/json", strings.Replace(me, `"role"`, `"rank":1,"role"`, 1), false},
		"a field missing":              {200, "application/json", strings.Replace(me, `"role":"Member",`, "", 1), false},
		"a value out of its set":       {200, "application/json", strings.Replace(me, "Member", "Guest", 1), false},
		"a time without milliseconds":  {200, "application/json", strings.Replace(me, ".123Z", "Z", 1), false},
		"null where nothing may be":    {200, "application/json", strings.Replace(me, `"u1"`, "null", 1), false},
		"a problem as documented":      {401, "application/problem+json", problem("401", "token_refused"), true},
		"a problem of another code":    {401, "application/problem+json", problem("401", "not_owner"), false},
		"a problem with a field extra": {401, "application/problem+json", strings.Replace(problem("401", "token_refused"), `{`, `{"stack":"x",`, 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://confab/v1/users/me", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			header := http.Header{"Content-Type": {test.kind}, "X-Request-Id": {"r1"}, "Www-Authenticate": {"Bearer"}}
			err = theContract(t).check(r, nil, answer{status: test.status, header: header, body: test.body})
			if (err == nil) != test.right {
				t.Fatalf("the verdict is %v", err)
			}
		})
	}
}
