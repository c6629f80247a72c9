package httpkit_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

func TestMuxAnswersWhatIsNotInItsTable(t *testing.T) {
	s := httpkit.NewServer((&journal{}).log())
	ok := s.Handle(answering(httpkit.Empty{}, nil))
	mux := s.Mux([]httpkit.Route{
		{Pattern: "GET /v1/notes/{id}", Handler: ok}, {Pattern: "DELETE /v1/notes/{id}", Handler: ok},
		{Pattern: "POST /v1/notes", Handler: ok}, {Pattern: "PUT /api/chat/{id}", Handler: ok},
	})
	for request, want := range map[string]struct {
		status      int
		code, allow string
	}{
		"GET /v1/notes/n1":     {204, "", ""},
		"HEAD /v1/notes/n1":    {204, "", ""},
		"POST /v1/notes":       {204, "", ""},
		"PATCH /v1/notes/n1":   {405, "method_not_allowed", "DELETE, GET"},
		"OPTIONS /v1/notes/n1": {405, "method_not_allowed", "DELETE, GET"},
		"GET /v1/notes":        {405, "method_not_allowed", "POST"},
		"POST /v1/notes/":      {404, "no_such_route", ""},
		"GET /v1/notes/n1/x":   {404, "no_such_route", ""},
		"GET /":                {404, "no_such_route", ""},
	} {
		method, path, _ := strings.Cut(request, " ")
		t.Run(request, func(t *testing.T) {
			answer := answerTo(mux, httptest.NewRequest(method, path, http.NoBody))
			p := servertest.Want[servertest.Problem](t, want.status, answer)
			if p.Code != want.code || answer.Header.Get("Allow") != want.allow {
				t.Fatalf("the answer is %+v", answer)
			}
		})
	}
	for request, want := range map[string]servertest.Answer{
		"GET /api/none":     {Status: 404, Body: `{"error":"There is nothing at this path."}` + "\n"},
		"GET /api/chat/c":   {Status: 405, Body: `{"error":"The path does not take this method."}` + "\n"},
		"GET /apix/chat/c/": {Status: 404},
	} {
		method, path, _ := strings.Cut(request, " ")
		answer := answerTo(mux, httptest.NewRequest(method, path, http.NoBody))
		if answer.Status != want.Status || want.Body != "" && answer.Body != want.Body {
			t.Errorf("%s is answered %+v", request, answer)
		}
	}
}
