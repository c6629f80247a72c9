package httpkit_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/httpkit"
)

type reply struct {
	ID       string `path:"id"`
	Body     string `json:"body"`
	Author   string `json:"author"`
	Hidden   string `json:"-"`
	Untagged string
}

func lenientRequest(mediaType, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/notes/n1?body=query", strings.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	return r
}

func TestLenientRequestTakesWhatItKnows(t *testing.T) {
	const asJSON, asForm = "application/json", "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		mediaType, body string
		want            reply
	}{
		"JSON":                            {asJSON, `{"body":"hi","author":"ann"}`, reply{ID: "n1", Body: "hi", Author: "ann"}},
		"a form":                          {asForm, "body=a+b%26&author=%C3%A9", reply{ID: "n1", Body: "a b&", Author: "é"}},
		"a form with a charset":           {asForm + "; charset=UTF-8", "body=hi", reply{ID: "n1", Body: "hi"}},
		"a form's first value":            {asForm, "body=first&body=last", reply{ID: "n1", Body: "first"}},
		"unknown fields":                  {asJSON, `{"body":"hi","colour":{"red":[1]}}`, reply{ID: "n1", Body: "hi"}},
		"an operator counts as missing":   {asJSON, `{"body":{"$gt":""},"author":"ann"}`, reply{ID: "n1", Author: "ann"}},
		"a number counts as missing":      {asJSON, `{"body":1}`, reply{ID: "n1"}},
		"an array counts as missing":      {asJSON, `{"body":["hi"]}`, reply{ID: "n1"}},
		"a form's operator is a name":     {asForm, "body[$gt]=", reply{ID: "n1"}},
		"what JSON cannot reach":          {asJSON, `{"id":"n2","ID":"n2","-":"x","Hidden":"x","":"x","Untagged":"x"}`, reply{ID: "n1"}},
		"null":                            {asJSON, "null", reply{ID: "n1"}},
		"no body":                         {asJSON, "", reply{ID: "n1"}},
		"a body without a media type":     {"", `{"body":"hi"}`, reply{ID: "n1"}},
		"a body of an unknown media type": {"text/plain", `{"body":"hi"}`, reply{ID: "n1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, answer := receive[reply](t, (*httpkit.Server).Tutorial, lenientRequest(test.mediaType, test.body))
			if got == nil || *got != test.want {
				t.Fatalf("got %+v and %+v, want %+v", got, answer, test.want)
			}
		})
	}
}

func TestLenientRequestIsRefused(t *testing.T) {
	const unparsed = `{"error":"The body could not be parsed."}` + "\n"
	for name, test := range map[string]struct {
		mediaType, body string
		status          int
		want            string
	}{
		"half an object":                   {"application/json", `{"body":`, 400, unparsed},
		"two objects":                      {"application/json", "{}{}", 400, unparsed},
		"an array":                         {"application/json", "[]", 400, unparsed},
		"deep nesting":                     {"application/json", strings.Repeat("[", 20_000), 400, unparsed},
		"a form with a broken escape":      {"application/x-www-form-urlencoded", "body=%zz", 400, unparsed},
		"a form whose escapes hide a byte": {"application/x-www-form-urlencoded", "body=%ff", 400, unparsed},
		"invalid UTF-8":                    {"application/json", "{\"body\":\"\xff\"}", 400, `{"error":"The body is not UTF-8."}` + "\n"},
		"a body over 100 kB":               {"application/json", strings.Repeat(" ", 100<<10+1), 413, `{"error":"The body is larger than 102400 bytes."}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, answer := receive[reply](t, (*httpkit.Server).Tutorial, lenientRequest(test.mediaType, test.body))
			if got != nil || answer.Status != test.status || answer.Body != test.want {
				t.Fatalf("got %+v and %+v", got, answer)
			}
		})
	}
}

func TestLenientBodyMayHave100kB(t *testing.T) {
	body := `{"body":"hi"}` + strings.Repeat(" ", 100<<10-len(`{"body":"hi"}`))
	if got, answer := receive[reply](t, (*httpkit.Server).Tutorial, lenientRequest("application/json", body)); got == nil || got.Body != "hi" {
		t.Fatalf("got %+v and %+v", got, answer)
	}
}
