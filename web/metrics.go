package web

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	failures *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "confab_proxied_requests_total", Help: "Requests passed on, by service and class of the answer's status.",
		}, []string{"upstream", "class"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "confab_upstream_failures_total", Help: "Tries of a replica that gave no answer (error), or turned the request away with 503 (busy).",
		}, []string{"upstream", "kind"}),
	}
	registerer.MustRegister(m.requests, m.failures)
	return m
}

func newSocketsGauge(s *sockets) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "confab_proxied_sockets", Help: "Open sockets that are passed on to realtime-svc, which counts them too.",
	}, func() float64 { return float64(s.count()) })
}

// answered counts a request. The classes are 1xx to 5xx.
func (m *metrics) answered(service string, status int) {
	m.requests.WithLabelValues(service, strconv.Itoa(status/100)+"xx").Inc()
}
