package httpkit_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

type note struct {
	ID     string   `path:"id" json:"-"`
	Limit  int      `query:"limit" json:"-"`
	After  *int64   `query:"after" json:"-"`
	Tags   []string `query:"tags" json:"-"`
	Prefix *string  `query:"prefix" json:"-"`
	Text   string   `json:"text"`
	Seq    int64    `json:"seq"`
	Silent bool     `json:"silent"`
	To     []string `json:"to"`
	Place  struct {
		Page *int `json:"page"`
	} `json:"place"`
}

func jsonRequest(target, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func TestStrictRequestIsFilledFromPathQueryAndBody(t *testing.T) {
	after, prefix := int64(1<<53-1), ""
	for name, test := range map[string]struct {
		target, body string
		want         note
	}{
		"path and body":                   {"/notes/n1", `{"text":"hi","seq":3,"silent":true,"to":["a","b"]}`, note{ID: "n1", Text: "hi", Seq: 3, Silent: true, To: []string{"a", "b"}}},
		"blanks around the body":          {"/notes/n1", " \r\n\t{ }\n", note{ID: "n1"}},
		"query":                           {"/notes/n1?limit=-7&tags=a,b&after=9007199254740991&prefix=", "{}", note{ID: "n1", Limit: -7, Tags: []string{"a", "b"}, After: &after, Prefix: &prefix}},
		"an escaped path":                 {"/notes/a%2Fb%00", "{}", note{ID: "a/b\x00"}},
		"of a name given twice, the last": {"/notes/n1", `{"text":"first","text":"last"}`, note{ID: "n1", Text: "last"}},
		"null is no value":                {"/notes/n1", `{"text":null}`, note{ID: "n1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, answer := receive[note](t, (*httpkit.Server).Handle, jsonRequest(test.target, test.body))
			if got == nil || !reflect.DeepEqual(*got, test.want) || answer.Status != http.StatusNoContent {
				t.Fatalf("got %+v and %+v, want %+v", got, answer, test.want)
			}
		})
	}
}

func TestStrictRequestIsRefused(t *testing.T) {
	deep := strings.Repeat(`{"place":`, 12_000) + "1" + strings.Repeat("}", 12_000)
	for name, test := range map[string]struct {
		query, body string
		status      int
		code, field string
	}{
		"no body":                       {"", "", 400, "invalid_json", ""},
		"no JSON":                       {"", "hello", 400, "invalid_json", ""},
		"half an object":                {"", `{"text":"a`, 400, "invalid_json", ""},
		"null":                          {"", "null", 400, "invalid_json", ""},
		"an array":                      {"", "[]", 400, "invalid_json", ""},
		"two objects":                   {"", "{}{}", 400, "invalid_json", ""},
		"text behind the object":        {"", "{}x", 400, "invalid_json", ""},
		"deep nesting":                  {"", deep, 400, "invalid_json", ""},
		"a byte order mark":             {"", "\ufeff{}", 400, "invalid_json", ""},
		"invalid UTF-8":                 {"", "{\"text\":\"\xff\"}", 400, "invalid_json", ""},
		"a body too large":              {"", `{"text":"` + strings.Repeat("x", httpkit.MaxBody) + `"}`, 413, "body_too_large", ""},
		"an unknown field":              {"", `{"txet":"a"}`, 400, "unknown_field", ""},
		"an unknown field deep inside":  {"", `{"place":{"line":1}}`, 400, "unknown_field", ""},
		"a path's field in the body":    {"", `{"ID":"n2"}`, 400, "unknown_field", ""},
		"an operator for a string":      {"", `{"text":{"$gt":""}}`, 400, "invalid_field", "text"},
		"a string for an integer":       {"", `{"seq":"1"}`, 400, "invalid_field", "seq"},
		"a fraction for an integer":     {"", `{"seq":1.5}`, 400, "invalid_field", "seq"},
		"an integer too large":          {"", `{"seq":9223372036854775808}`, 400, "invalid_field", "seq"},
		"a number for a boolean":        {"", `{"silent":1}`, 400, "invalid_field", "silent"},
		"an object for an array":        {"", `{"to":{}}`, 400, "invalid_field", "to"},
		"an array for an object":        {"", `{"place":[]}`, 400, "invalid_field", "place"},
		"a wrong type deep inside":      {"", `{"place":{"page":"1"}}`, 400, "invalid_field", "place.page"},
		"an unknown parameter":          {"?limt=1", "{}", 400, "unknown_parameter", ""},
		"a body's field in the query":   {"?text=a", "{}", 400, "unknown_parameter", ""},
		"a parameter given twice":       {"?limit=1&limit=1", "{}", 400, "invalid_field", "limit"},
		"a parameter that is no number": {"?limit=1e3", "{}", 400, "invalid_field", "limit"},
		"a parameter in hex":            {"?limit=0x10", "{}", 400, "invalid_field", "limit"},
		"a parameter without a value":   {"?after=", "{}", 400, "invalid_field", "after"},
		"a query that cannot be parsed": {"?limit=1&after=%zz", "{}", 400, "invalid_query", ""},
		"semicolons in the query":       {"?limit=1;after=2", "{}", 400, "invalid_query", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, answer := receive[note](t, (*httpkit.Server).Handle, jsonRequest("/notes/n1"+test.query, test.body))
			p := servertest.Want[servertest.Problem](t, test.status, answer)
			if got != nil || p.Code != test.code || p.Field != test.field {
				t.Fatalf("got %+v and %s", got, answer.Body)
			}
		})
	}
}

func TestStrictBodyIsAsLargeAsDocumented(t *testing.T) {
	body := func(size int) string { return `{"text":"` + strings.Repeat("x", size-len(`{"text":""}`)) + `"}` }
	for size, status := range map[int]int{httpkit.MaxBody: http.StatusNoContent, httpkit.MaxBody + 1: http.StatusRequestEntityTooLarge} {
		if _, answer := receive[note](t, (*httpkit.Server).Handle, jsonRequest("/notes/n1", body(size))); answer.Status != status {
			t.Errorf("%d bytes are answered %d, want %d", size, answer.Status, status)
		}
	}
}

func TestStrictBodyNeedsItsMediaType(t *testing.T) {
	for mediaType, status := range map[string]int{
		"application/json": 204, "Application/JSON; charset=utf-8": 204,
		"": 415, "text/plain": 415, "application/x-www-form-urlencoded": 415, "application/jsonp": 415, "application/json; charset": 415,
	} {
		r := jsonRequest("/notes/n1", "{}")
		r.Header.Set("Content-Type", mediaType)
		if _, answer := receive[note](t, (*httpkit.Server).Handle, r); answer.Status != status {
			t.Errorf("Content-Type %q is answered %d, want %d", mediaType, answer.Status, status)
		}
	}
}

func TestRequestWithoutBodyFieldsTakesNoBody(t *testing.T) {
	type reading struct {
		ID    string `path:"id"`
		Limit int    `query:"limit"`
	}
	got, answer := receive[reading](t, (*httpkit.Server).Handle, httptest.NewRequest(http.MethodGet, "/notes/n1?limit=2", http.NoBody))
	if got == nil || *got != (reading{"n1", 2}) {
		t.Fatalf("got %+v and %+v", got, answer)
	}
}

func TestInternalRequestMayComeFromANewerRelease(t *testing.T) {
	got, answer := receive[note](t, (*httpkit.Server).Internal, jsonRequest("/notes/n1", `{"text":"hi","colour":"red"}`))
	if got == nil || got.Text != "hi" {
		t.Fatalf("got %+v and %+v", got, answer)
	}
	got, answer = receive[note](t, (*httpkit.Server).Internal, jsonRequest("/notes/n1", `{"text":1}`))
	if p := servertest.Want[servertest.Problem](t, http.StatusBadRequest, answer); got != nil || p.Field != "text" {
		t.Fatalf("a wrong type: got %+v and %s", got, answer.Body)
	}
}
