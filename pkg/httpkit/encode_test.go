package httpkit_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

type created struct {
	Text string `json:"text"`
}

func (created) StatusCode() int { return http.StatusCreated }

// encode answers the request "r1" through the transport with an endpoint's outcome.
func encode(serve transport, j *journal, response any, err error) servertest.Answer {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.Header.Set("X-Request-Id", "r1")
	return answerTo(httpkit.Frame(j.log(), nil, serve(httpkit.NewServer(j.log()), answering(response, err))), r)
}

func TestResponseIsWrittenWithItsStatus(t *testing.T) {
	for name, test := range map[string]struct {
		response   any
		status     int
		body       string
		bodyLength string
	}{
		"an object":               {map[string]string{"text": "<&>"}, 200, `{"text":"<&>"}` + "\n", "15"},
		"one with its own status": {created{"hi"}, 201, `{"text":"hi"}` + "\n", "14"},
		"nothing":                 {httpkit.Empty{}, 204, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer := encode((*httpkit.Server).Handle, &journal{}, test.response, nil)
			if answer.Status != test.status || answer.Body != test.body || answer.Header.Get("Content-Length") != test.bodyLength {
				t.Fatalf("the answer is %+v", answer)
			}
			if wantType := map[bool]string{true: "application/json"}[answer.Body != ""]; answer.Header.Get("Content-Type") != wantType {
				t.Fatalf("the media type is %q", answer.Header.Get("Content-Type"))
			}
		})
	}
}

func TestResponseThatCannotBeEncodedIsAProblem(t *testing.T) {
	var j journal
	answer := encode((*httpkit.Server).Handle, &j, map[string]float64{"x": math.NaN()}, nil)
	const want = `{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal",` +
		`"detail":"Something went wrong on the server.","request_id":"r1"}` + "\n"
	if answer.Status != http.StatusInternalServerError || answer.Body != want || answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("the answer is %+v", answer)
	}
	if len(j.lines(t)) != 1 {
		t.Fatalf("logged %s", j.String())
	}
}

func TestErrorIsAProblem(t *testing.T) {
	wrongField := fault.BadField("text", "Too long.")
	busy := fault.New(fault.Unavailable, "busy", "Try again.").After(1100 * time.Millisecond).Because(errors.New("disk full"))
	for name, test := range map[string]struct {
		err        error
		status     int
		retryAfter string
		logged     int
		body       string
	}{
		"a field's":             {wrongField, 400, "", 0, `{"type":"about:blank","title":"Bad Request","status":400,"code":"invalid_field","detail":"Too long.","field":"text","request_id":"r1"}`},
		"one with a wait":       {busy, 503, "2", 1, `{"type":"about:blank","title":"Service Unavailable","status":503,"code":"busy","detail":"Try again.","request_id":"r1"}`},
		"a client that left":    {context.Canceled, 499, "", 0, `{"type":"about:blank","title":"Client Closed Request","status":499,"code":"canceled","detail":"The client left before the answer.","request_id":"r1"}`},
		"one that is no fault":  {errors.New("no such table"), 500, "", 1, `{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal","detail":"Something went wrong on the server.","request_id":"r1"}`},
		"one of authentication": {fault.New(fault.Unauthenticated, "no", "No."), 401, "", 0, `{"type":"about:blank","title":"Unauthorized","status":401,"code":"no","detail":"No.","request_id":"r1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			var j journal
			answer := encode((*httpkit.Server).Handle, &j, nil, test.err)
			if answer.Status != test.status || answer.Body != test.body+"\n" || answer.Header.Get("Retry-After") != test.retryAfter {
				t.Fatalf("the answer is %+v", answer)
			}
			if answer.Header.Get("Content-Type") != "application/problem+json" || (answer.Header.Get("WWW-Authenticate") == "Bearer") != (answer.Status == http.StatusUnauthorized) {
				t.Fatalf("the header is %v", answer.Header)
			}
			lines := j.lines(t)
			if len(lines) != test.logged || test.logged == 1 && (lines[0]["error"] != test.err.Error() || lines[0]["request_id"] != "r1") {
				t.Fatalf("logged %v", lines)
			}
		})
	}
}

func TestErrorIsWhatTheTutorialsClientsKnow(t *testing.T) {
	const asJSON, asText = "application/json", "text/plain; charset=utf-8"
	for name, test := range map[string]struct {
		err             error
		status          int
		mediaType, body string
	}{
		"a sentence":                    {fault.New(fault.Unprocessable, "x", "You must enter an email address."), 422, asJSON, `{"error":"You must enter an email address."}` + "\n"},
		"what is not there":             {fault.New(fault.NotFound, "x", "No."), 404, asJSON, `{"error":"No."}` + "\n"},
		"a bad token":                   {fault.New(fault.Unauthenticated, "x", "No."), 401, asText, "Unauthorized"},
		"a good token without a right":  {fault.New(fault.Unauthenticated, httpkit.CodeNotAuthorized, "You may not."), 401, asJSON, `{"error":"You may not."}` + "\n"},
		"the one bad request as a text": {fault.New(fault.Invalid, httpkit.CodeBadRequestText, "No."), 400, asText, "Bad Request"},
		"one that is no fault":          {errors.New("no such table"), 500, asJSON, `{"error":"Something went wrong on the server."}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := encode((*httpkit.Server).Tutorial, &journal{}, nil, test.err)
			if answer.Status != test.status || answer.Body != test.body || answer.Header.Get("Content-Type") != test.mediaType {
				t.Fatalf("the answer is %+v", answer)
			}
		})
	}
}
