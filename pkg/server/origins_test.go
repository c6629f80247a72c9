package server_test

import (
	"flag"
	"io"
	"testing"

	"github.com/confab-chat/confab/pkg/server"
)

func TestOriginsAreWhatBrowsersSend(t *testing.T) {
	for given, want := range map[string]string{
		"http://localhost:8080":                      "http://localhost:8080",
		"https://a.example/, https://b.example:8443": "https://a.example,https://b.example:8443",
		"":                "",
		"localhost:8080":  "refused",
		"foo":             "refused",
		"*":               "refused",
		"https://a/chat":  "refused",
		"https://a.b?x=1": "refused",
	} {
		var c server.HTTPConfig
		fs := flag.NewFlagSet("confab", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		c.RegisterFlags(fs)
		err := fs.Parse([]string{"-allowed-origins", given})
		if got := c.AllowedOrigins.String(); err == nil && got != want || err != nil && want != "refused" {
			t.Errorf("%q gives %q, %v; want %q", given, got, err, want)
		}
	}
}
