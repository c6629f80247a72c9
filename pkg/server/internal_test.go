package server

import (
	"net"
	"testing"
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
