package server

import (
	"context"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/confab-chat/confab/pkg/httpkit"
)

const readyTimeout = 2 * time.Second

type health struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// degraded returns what the app goes on without.
func degraded(app App) error {
	if d, ok := app.(Degradable); ok {
		return d.Degraded()
	}
	return nil
}

func newDegradedGauge(app App) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "confab_degraded", Help: "1 while the process goes on without something that it would rather have, which /readyz names; else 0.",
	}, func() float64 { return oneIf(degraded(app) != nil) })
}

// newDrainingGauge tells of the end of a process, from SIGTERM on.
func newDrainingGauge(stopping *atomic.Bool) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "confab_draining", Help: "1 from SIGTERM on, while sockets, requests and what is owed to others come to their end; else 0.",
	}, func() float64 { return oneIf(stopping.Load()) })
}

// newBuildInfo tells which program the process is: the other metrics of a process do not.
func newBuildInfo(program string) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "confab_build_info", Help: "Always 1: which program this is, and of which version.",
		ConstLabels: prometheus.Labels{"program": program, "version": Version},
	}, func() float64 { return 1 })
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// adminHandler serves /metrics, /healthz (the process lives) and /readyz (it may get requests).
func adminHandler(app App, gatherer prometheus.Gatherer, stopping *atomic.Bool, withPProf bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, health{Status: "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if stopping.Load() {
			answer(w, http.StatusServiceUnavailable, health{Status: "stopping"})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := app.Ready(ctx); err != nil {
			answer(w, http.StatusServiceUnavailable, health{Status: "unready", Reason: err.Error()})
			return
		}
		if err := degraded(app); err != nil {
			answer(w, http.StatusOK, health{Status: "degraded", Reason: err.Error()})
			return
		}
		answer(w, http.StatusOK, health{Status: "ready"})
	})
	if withPProf {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func answer(w http.ResponseWriter, status int, h health) {
	_ = httpkit.WriteJSON(w, status, "application/json", h) // two strings always encode
}
