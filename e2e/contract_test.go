package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// contract is docs/api/openapi.yaml.
type contract struct {
	doc *openapi3.T
	mux *http.ServeMux            // finds an operation as the server finds its route
	ids map[string]*routers.Route // by operationId
}

var loadContract = sync.OnceValues(func() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("../docs/api/openapi.yaml")
	if err != nil {
		return nil, err
	}
	c := &contract{doc: doc, mux: http.NewServeMux(), ids: map[string]*routers.Route{}}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			route := &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: operation}
			c.ids[operation.OperationID] = route
			c.mux.HandleFunc(method+" "+path, func(_ http.ResponseWriter, r *http.Request) {
				*r.Context().Value(matchKey{}).(*match) = match{route, pathValues(path, r)}
			})
		}
	}
	c.seal()
	return c, nil
})

func theContract(t testing.TB) *contract {
	t.Helper()
	c, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// seal makes an undocumented field of an answer an error: clients ignore what they do not know, but this suite must not.
func (c *contract) seal() {
	requests := map[*openapi3.Schema]bool{}
	for _, route := range c.ids {
		if body := route.Operation.RequestBody; body != nil {
			for _, media := range body.Value.Content {
				requests[media.Schema.Value] = true
			}
		}
	}
	for _, schema := range c.doc.Components.Schemas {
		if len(schema.Value.Properties) > 0 && !requests[schema.Value] {
			schema.Value.AdditionalProperties = openapi3.BoolSchema{Has: new(bool)}
		}
	}
}

// match is the operation that a request is for. Its route is nil where there is none.
type match struct {
	route *routers.Route
	path  map[string]string
}

type matchKey struct{}

func (c *contract) match(r *http.Request) match {
	var m match
	c.mux.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(context.Background(), matchKey{}, &m)))
	return m
}

func pathValues(path string, r *http.Request) map[string]string {
	values := map[string]string{}
	for segment := range strings.SplitSeq(path, "/") {
		if name := strings.Trim(segment, "{}"); name != segment {
			values[name] = r.PathValue(name)
		}
	}
	return values
}

// check returns an error where the answer is not one that the document allows, or the server took a request that it doesn't allow.
func (c *contract) check(r *http.Request, payload []byte, a answer) error {
	if r.Method == http.MethodOptions || r.Method == http.MethodHead {
		return nil
	}
	if a.header.Get("X-Request-Id") == "" {
		return errors.New("there is no X-Request-Id")
	}
	m := c.match(r)
	if m.route == nil {
		return c.checkUnmatched(r, a)
	}
	request := &openapi3filter.RequestValidationInput{
		Request: r.Clone(context.Background()), Route: m.route, PathParams: m.path,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	request.Request.Body = io.NopCloser(bytes.NewReader(payload))
	if a.status < 300 {
		if err := openapi3filter.ValidateRequest(context.Background(), request); err != nil {
			return fmt.Errorf("it was taken, but %w", err)
		}
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)),
		Options: request.Options,
	})
}

// checkUnmatched wants 404 or 405 in the style of the path.
func (c *contract) checkUnmatched(r *http.Request, a answer) error {
	name, kind := "Problem", "application/problem+json"
	if strings.HasPrefix(r.URL.Path, "/api/") {
		name, kind = "TutorialError", "application/json"
	}
	switch {
	case a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed:
		return errors.New("the path is not in the document")
	case a.header.Get("Content-Type") != kind:
		return fmt.Errorf("the content type is %q", a.header.Get("Content-Type"))
	}
	return c.matches(name, a.body)
}

// matches returns an error unless the body is as the named schema has it.
func (c *contract) matches(schema, body string) error {
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		return err
	}
	return c.doc.Components.Schemas[schema].Value.VisitJSON(value, openapi3.EnableJSONSchema2020())
}
