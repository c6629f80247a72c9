package httpkit_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/tracing"
)

// requireClearAnswer fails the test unless the endpoint was reached, or the client told by a 4xx with a code why not.
func requireClearAnswer(t *testing.T, reached bool, answer servertest.Answer) {
	t.Helper()
	var p servertest.Problem
	refused := answer.Status >= 400 && answer.Status < 500 && json.Unmarshal([]byte(answer.Body), &p) == nil && p.Code != ""
	if reached == refused || reached != (answer.Status == http.StatusNoContent) {
		t.Fatalf("reached: %v, answer: %+v", reached, answer)
	}
}

func FuzzStrictBody(f *testing.F) {
	for _, seed := range []string{
		`{"text":"hi","seq":1,"silent":true,"to":["a"],"place":{"page":1}}`, `{"text":{"$gt":""}}`, `{"text":"\ud800\u0000"}`,
		`{"seq":1e400}`, "[[[", "{}{}", "\xff", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got, answer := receive[note](t, (*httpkit.Server).Handle, jsonRequest("/notes/n1", body))
		requireClearAnswer(t, got != nil, answer)
		if got == nil {
			return
		}
		if !json.Valid([]byte(body)) || strings.TrimLeft(body, " \t\r\n")[0] != '{' {
			t.Errorf("%q is taken, though it is no JSON object", body)
		}
		if got.ID != "n1" || got.Limit != 0 || got.After != nil || got.Tags != nil || got.Prefix != nil {
			t.Errorf("%q reaches beyond the body's fields: %+v", body, got)
		}
	})
}

func FuzzStrictQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=1", "limit=9223372036854775808", "after=-0", "tags=a,,b", "tags=", "prefix=%ff", "prefix=a+b",
		"limit=1&limit=2", "text=x", "=", "&&", "limit=%2b1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := jsonRequest("/notes/n1", "{}")
		r.URL.RawQuery = query
		got, answer := receive[note](t, (*httpkit.Server).Handle, r)
		requireClearAnswer(t, got != nil, answer)
		values, err := url.ParseQuery(query)
		for name, given := range values {
			known := name == "limit" || name == "after" || name == "tags" || name == "prefix"
			if got != nil && (err != nil || !known || len(given) != 1) {
				t.Errorf("%q is taken in spite of %q", query, name)
			}
		}
		if got != nil && values.Has("tags") && strings.Join(got.Tags, ",") != values.Get("tags") {
			t.Errorf("%q gives the tags %q", query, got.Tags)
		}
	})
}

func FuzzLenientBody(f *testing.F) {
	for _, seed := range []string{`{"body":"hi"}`, `{"body":{"$gt":""}}`, "null", "[]", "{}{}"} {
		f.Add(true, seed)
	}
	for _, seed := range []string{"body=hi&author=a+b", "body[$gt]=", "body=%zz", "a;b", "-=x&=x"} {
		f.Add(false, seed)
	}
	f.Fuzz(func(t *testing.T, asJSON bool, body string) {
		mediaType := map[bool]string{true: "application/json", false: "application/x-www-form-urlencoded"}[asJSON]
		got, answer := receive[reply](t, (*httpkit.Server).Tutorial, lenientRequest(mediaType, body))
		if got == nil {
			if answer.Status != http.StatusBadRequest && answer.Status != http.StatusRequestEntityTooLarge || !strings.HasPrefix(answer.Body, `{"error":"`) {
				t.Fatalf("the answer is %+v", answer)
			}
			return
		}
		if got.ID != "n1" || got.Hidden != "" || got.Untagged != "" || !utf8.ValidString(got.Body+got.Author) {
			t.Errorf("%q gives %+v", body, got)
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("Bearer token", "req-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "203.0.113.9")
	f.Add("JWT ", "\n", "00-", "203.0.113.9, ::ffff:10.0.0.1,, x")
	f.Fuzz(func(t *testing.T, authorization, requestID, traceParent, forwarded string) {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header = http.Header{
			"Authorization": {authorization}, "X-Request-Id": {requestID}, "Traceparent": {traceParent}, "X-Forwarded-For": {forwarded},
		}
		ctx, _ := frame(t, r)
		info := httpkit.InfoFrom(ctx)
		if len(info.RequestID) == 0 || len(info.RequestID) > 64 || strings.ContainsAny(info.RequestID, "\r\n\" ") {
			t.Errorf("the request id is %q", info.RequestID)
		}
		onward := http.Header{}
		tracing.SetHeader(ctx, onward)
		if trace := tracing.ID(ctx); trace != "" && (len(trace) != 32 || !strings.Contains(traceParent, trace)) || onward.Get("Traceparent") != "" && trace == "" {
			t.Errorf("the trace id of %q is %q, and %q goes on", traceParent, trace, onward.Get("Traceparent"))
		}
		if info.Token != strings.TrimSpace(info.Token) {
			t.Errorf("the token is %q", info.Token)
		}
	})
}
