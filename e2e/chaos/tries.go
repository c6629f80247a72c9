package chaos

import (
	"net/http"
	"strings"
	"sync/atomic"
)

// tries counts what writers do over HTTP, each try.
type tries struct {
	http.RoundTripper
	made   atomic.Int64
	wanted atomic.Int64 // changes
}

func newTries() *tries {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 128
	return &tries{RoundTripper: t}
}

func (t *tries) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1/messages") {
		t.made.Add(1)
	}
	return t.RoundTripper.RoundTrip(r)
}

// again is how many tries were not the first.
func (t *tries) again() int64 { return t.made.Load() - t.wanted.Load() }
