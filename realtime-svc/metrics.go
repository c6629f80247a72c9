package realtime

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/clock"
)

// metrics are the gateway's. Every label is from a closed set.
type metrics struct {
	sockets     *prometheus.GaugeVec
	deliveries  *prometheus.CounterVec
	delays      prometheus.Histogram
	gaps        *prometheus.CounterVec
	replayed    *prometheus.CounterVec
	closes      *prometheus.CounterVec
	commands    *prometheus.HistogramVec
	unconfirmed prometheus.Counter
	refused     prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer, queued *atomic.Int64) *metrics {
	m := &metrics{
		sockets: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "confab_sockets", Help: "Open sockets, by protocol.",
		}, []string{"protocol"}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "confab_deliveries_total", Help: "Frames written to sockets, by type.",
		}, []string{"type"}),
		delays: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "confab_delivery_delay_seconds",
			Help:    "Time from a new message's created_at to the writing of its frame, for each socket that had joined when the message passed.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
		gaps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "confab_gaps_total", Help: "Gaps in a conversation's events, by what closed them: wait (the events came late), log (of the broker) or messages (message-svc).",
		}, []string{"healed"}),
		replayed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "confab_replayed_events_total", Help: "Events fetched for sockets that joined with a rev, by where from: log or messages.",
		}, []string{"from"}),
		closes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "confab_socket_closes_total", Help: "Sockets that ended, by reason.",
		}, []string{"reason"}),
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "confab_socket_command_duration_seconds",
			Help:    "Time from a command's arrival to its answer, by command and kind of outcome.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"command", "kind"}),
		unconfirmed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "confab_channels_unconfirmed_total", Help: "Channels that the broker did not confirm in time.",
		}),
	}
	m.refused = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "confab_handshakes_limited_total", Help: "Sockets that were refused because too many came at once.",
	})
	registerer.MustRegister(m.sockets, m.deliveries, m.delays, m.gaps, m.replayed, m.closes, m.commands, m.unconfirmed, m.refused,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "confab_socket_queue_bytes", Help: "Bytes that wait to be written, in the queues of all sockets.",
		}, func() float64 { return float64(queued.Load()) }))
	return m
}

// delivery observes a frame that is being written. What a join replays has no sent, however old it is: nobody waited for it on this socket.
func (m *metrics) delivery(f frame) {
	m.deliveries.WithLabelValues(f.kind).Inc()
	if !f.sent.IsZero() {
		m.delays.Observe(max(0, clock.Now().Sub(f.sent)).Seconds()) // below zero where message-svc's clock is ahead of this one
	}
}

// command observes a command. What a client calls an unknown one is no label.
func (m *metrics) command(name, kind string, took time.Duration) {
	switch name {
	case cmdAuth, cmdPing, cmdJoin, cmdLeave, cmdSend, cmdRead, cmdTyping, cmdEnter, cmdExit, cmdNew:
	default:
		name = "unknown"
	}
	m.commands.WithLabelValues(name, kind).Observe(took.Seconds())
}
