package chaos

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
)

// tries counts what writers do over HTTP, each try, and those of one change where its context asks for that.
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
		if n, ok := r.Context().Value(triesKey{}).(*atomic.Int64); ok {
			n.Add(1)
		}
	}
	return t.RoundTripper.RoundTrip(r)
}

// again is how many tries were not the first.
func (t *tries) again() int64 { return t.made.Load() - t.wanted.Load() }

type triesKey struct{}

// counting has the tries that are made with the context counted.
func counting(ctx context.Context) (context.Context, *atomic.Int64) {
	n := new(atomic.Int64)
	return context.WithValue(ctx, triesKey{}, n), n
}
