package realtime

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/tracing"
)

func TestATraceFollowsAnEventToSomeSocketsOnly(t *testing.T) {
	var writes atomic.Int64
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a part of it counts less
		writes.Add(int64(strings.Count(string(body), `"name":"write"`)))
	}))
	defer collector.Close()
	tracer, err := tracing.New(tracing.Config{Endpoint: config.Secret(collector.URL), Ratio: 1}, "realtime-svc", "1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{tracer: tracer, ctx: t.Context()}
	for trace, want := range map[string]bool{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": true, "": false} {
		p, span := h.begin(chat.Event{Trace: trace})
		span.End()
		if (p != nil) != want {
			t.Errorf("an event of the trace %q is recorded: %v", trace, p != nil)
		}
		for range 2 * maxTracedSockets {
			p.to().written(nil)
		}
	}
	tracer.Close(t.Context())
	if got := writes.Load(); got != maxTracedSockets {
		t.Errorf("%d writes are recorded, want %d", got, maxTracedSockets)
	}
}
