// Package socketio_test has Socket.IO's own clients talk to Confab as it is deployed. The tests are in JavaScript, where those clients are.
package socketio_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
)

const (
	nodeWait = 3 * time.Minute // for the tests of one run; each has a shorter time of its own
	killWait = 5 * time.Second // for what is left of them then
)

// The services run under the race detector.
func TestClientsOfEveryVersion(t *testing.T) {
	needNode(t)
	d := deploy(t)
	c := newControl(d)
	steer, turns := httptest.NewServer(c), httptest.NewServer(c.turns)
	defer steer.Close()
	defer turns.Close()
	env := append(os.Environ(), "FRONT="+d.URL, "CONTROL="+steer.URL, "TURNS="+turns.URL, "GATEWAY1="+c.gateways[0].URL(), "GATEWAY2="+c.gateways[1].URL())
	t.Run("while all is well", func(t *testing.T) {
		for name, files := range map[string]string{
			"busy": "traffic.test.mjs auth.test.mjs tutorial.test.mjs events.test.mjs commands.test.mjs retries.test.mjs",
			"idle": "idle.test.mjs", // takes half a minute, of which it does nothing
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				node(t, env, strings.Fields(files)...)
			})
		}
	})
	judge(t, d, `"level":"ERROR"`)
	t.Run("when a gateway is killed", func(t *testing.T) { node(t, env, "kill.test.mjs") })
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for len(d.Dead) > 0 {
		t.Error(<-d.Dead)
	}
	judge(t, d, `"stack"`, "goroutine ", "DATA RACE", "eyJ", "psst-secret")
}

func needNode(t *testing.T) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: type `make deps`", program)
		}
	}
	if _, err := os.Stat("node_modules/.package-lock.json"); err != nil { // which npm writes last
		t.Fatal("Socket.IO's clients are missing: type `make deps`")
	}
}

func deploy(t *testing.T) *split.Deployment {
	t.Helper()
	bin, err := split.Build(t.Context(), split.Racy)
	if err != nil {
		t.Fatal(err)
	}
	d, err := split.Start(t.Context(), split.Options{
		Bin: bin, Dir: t.TempDir(),
		Env: func(*split.Process) []string { return []string{"GORACE=halt_on_error=1"} },
		Flags: map[string][]string{
			peer.AuthService:         {"-register-rate", "0", "-login-rate", "0"},
			peer.ConversationService: {"-start-limit", "0"},
			peer.MessageService:      {"-send-rate", "0"},
			peer.RealtimeService:     {"-drain", "0"},
			routes.Web:               {"-drain", "0"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // where a test ends before it closes it
	return d
}

// node runs tests, and fails with what they print where one of them does, or is left out.
func node(t *testing.T, env []string, files ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodeWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", append([]string{"--test", "--test-reporter=spec"}, files...)...)
	cmd.Env = env
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends its own children then
	cmd.WaitDelay = killWait
	out, err := cmd.CombinedOutput()
	t.Logf("node --test %s\n%s", strings.Join(files, " "), bytes.TrimSpace(out))
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		t.Errorf("node --test: %v", err)
	}
	for _, mark := range []string{"# SKIP", "# TODO", "\nℹ tests 0\n"} {
		if bytes.Contains(out, []byte(mark)) {
			t.Errorf("a test does not count: its line has %q", mark)
		}
	}
}

// judge fails where a log holds what it must not: signs of a bug, or secrets. Those are tokens, and the texts of messages, each of which has one word in it.
func judge(t *testing.T, d *split.Deployment, mustNot ...string) {
	t.Helper()
	for _, p := range d.Processes() {
		log, err := os.ReadFile(p.LogFile)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(log)) {
			if i := slices.IndexFunc(mustNot, func(mark string) bool { return strings.Contains(line, mark) }); i >= 0 {
				t.Errorf("the log of %s holds %q: %s", p, mustNot[i], line)
				break
			}
		}
	}
}
