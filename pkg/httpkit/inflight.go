package httpkit

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-kit/kit/endpoint"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/fault"
)

var errBusy = fault.New(fault.Unavailable, "busy", "The server has too much to do. Try again.").After(time.Second)

// inFlight bounds the requests that are under way at once: more would only wait for each other, until all are too late.
type inFlight struct {
	most int64
	now  atomic.Int64
}

// newInFlight registers a gauge. of is whose requests they are, a label.
func newInFlight(registerer prometheus.Registerer, of string, most int64) *inFlight {
	f := &inFlight{most: most}
	registerer.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "confab_requests_in_flight", Help: "Requests under way, of clients and of other services.", ConstLabels: prometheus.Labels{"of": of},
	}, func() float64 { return float64(f.now.Load()) }))
	return f
}

func (f *inFlight) bound(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		defer f.now.Add(-1)
		if f.now.Add(1) > f.most {
			return nil, errBusy
		}
		return next(ctx, request)
	}
}
