package server

import (
	"errors"
	"net"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
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
