package httpkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-kit/kit/endpoint"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

// journal is a log that the test reads.
type journal struct{ bytes.Buffer }

func (j *journal) log() *slog.Logger { return slog.New(slog.NewJSONHandler(j, nil)) }

// lines returns what was logged.
func (j *journal) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(j.Bytes())); d.More(); {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// transport is one of a Server's: Handle, Internal or Tutorial.
type transport func(*httpkit.Server, endpoint.Endpoint) http.Handler

// receive sends r through the transport to an endpoint at /notes/{id}. It returns what the endpoint was given, nil where it
// was not reached, and the answer. It fails the test where the client's fault is logged.
func receive[Req any](t testing.TB, serve transport, r *http.Request) (*Req, servertest.Answer) {
	t.Helper()
	var got *Req
	var j journal
	keep := func(_ context.Context, request Req) (httpkit.Empty, error) {
		got = &request
		return httpkit.Empty{}, nil
	}
	mux := http.NewServeMux()
	mux.Handle("/notes/{id}", serve(httpkit.NewServer(j.log()), httpkit.Typed(keep)))
	answer := answerTo(mux, r)
	if j.Len() > 0 {
		t.Errorf("logged %s", j.String())
	}
	return got, answer
}

func answerTo(h http.Handler, r *http.Request) servertest.Answer {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return servertest.Answer{Status: recorder.Code, Header: recorder.Header(), Body: recorder.Body.String()}
}

// answering returns an endpoint that always answers so.
func answering(response any, err error) endpoint.Endpoint {
	return func(context.Context, any) (any, error) { return response, err }
}
