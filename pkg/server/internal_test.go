package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/tracing"
)

func TestGreetingHasAnAddressThatABrowserCanUse(t *testing.T) {
	for bound, want := range map[string]string{
		"0.0.0.0": "localhost:3000", "::": "localhost:3000", "127.0.0.1": "localhost:3000", "::1": "localhost:3000",
		"192.0.2.1": "192.0.2.1:3000", "2001:db8::1": "[2001:db8::1]:3000",
	} {
		var got string
		p := Program{Greeting: func(address string) string { got = address; return "" }}
		p.greet(&net.TCPAddr{IP: net.ParseIP(bound), Port: 3000})
		if got != want {
			t.Errorf("bound to %s, greeted with %s, want %s", bound, got, want)
		}
	}
	(&Program{}).greet(&net.TCPAddr{}) // a service prints nothing
}

// lacking is an app of which only what it lacks is asked.
type lacking struct {
	App
	err error
}

func (l *lacking) Degraded() error { return l.err }

func TestTheGaugeOfDegradationIsOneWhileSomethingIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		app  App
		want float64
	}{
		"something is missing":             {&lacking{err: errors.New("redis does not answer")}, 1},
		"nothing is missing":               {&lacking{}, 0},
		"an app that needs nothing beside": {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			registry.MustRegister(newDegradedGauge(test.app))
			gathered, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			if got := gathered[0].GetMetric()[0].GetGauge().GetValue(); got != test.want {
				t.Errorf("the gauge is %v, want %v", got, test.want)
			}
		})
	}
}

func TestAProcessTellsWhichProgramItIs(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newBuildInfo("message-svc"))
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	m := gathered[0].GetMetric()[0]
	if labels := m.GetLabel(); labels[0].GetValue() != "message-svc" || labels[1].GetValue() != Version || m.GetGauge().GetValue() != 1 {
		t.Errorf("the metric is %v", m)
	}
}

func TestAProgramRecordsTracesWhereItHasAnEndpoint(t *testing.T) {
	sent := 0
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent++ }))
	defer collector.Close()
	enough := errors.New("enough")
	for endpoint, test := range map[string]struct {
		sent int
		err  string
	}{
		"": {0, "enough"}, collector.URL: {1, "enough"}, "x": {0, "-trace-endpoint"},
	} {
		sent = 0
		p := Program{Name: "a-svc", New: func(ctx context.Context, env Env) (App, error) {
			_, span := env.Tracer.Root(ctx, "work", time.Now())
			span.End()
			return nil, enough
		}}
		p.Config.Tracing = tracing.Config{Endpoint: config.Secret(endpoint), Ratio: 1}
		if err := p.run(t.Context()); err == nil || !strings.Contains(err.Error(), test.err) || sent != test.sent {
			t.Errorf("-trace-endpoint=%s: %d requests came to the collector, the error is %v", endpoint, sent, err)
		}
	}
}
