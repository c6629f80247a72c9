package allinone_test

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/confab-chat/confab/allinone"
)

func TestCheckTellsWhetherAMessageComesThrough(t *testing.T) {
	p := run(t, program(t), t.TempDir())
	address := strings.TrimPrefix(p.url, "http://")
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	for name, test := range map[string]struct {
		args []string
		code int
		said string
	}{
		"through the deployment's door":      {[]string{"-url", p.url}, 0, "The message came through " + p.url},
		"through a gateway":                  {[]string{"-url", p.url, "-gateways", address}, 0, "The message came through http://" + address},
		"not through one that does not hear": {[]string{"-url", p.url, "-gateways", deaf.Addr().String(), "-wait", "10s"}, 1, "cannot be joined through http://" + deaf.Addr().String()},
		"not without a deployment":           {[]string{"-url", "http://127.0.0.1:1", "-wait", "2s"}, 1, "127.0.0.1:1"},
		"not to an address without a port":   {[]string{"-url", p.url, "-gateways", "127.0.0.1"}, 1, "-gateways is no host:port"},
		"not where it is called wrongly":     {[]string{"-urls", "x"}, 2, "-urls"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := allinone.RunCommand(t.Context(), append([]string{"check"}, test.args...), &stdout, &stderr)
			if said := stdout.String() + stderr.String(); code != test.code || !strings.Contains(said, test.said) {
				t.Errorf("code %d, said %s", code, said)
			}
		})
	}
}
