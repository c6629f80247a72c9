package allinone_test

import (
	"context"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// program builds bin/confab once for a test.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "confab")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/confab")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// process is a running confab.
type process struct {
	cmd *exec.Cmd
	url string
}

// run starts the program on a data directory and waits until it is ready. It is killed at the test's end.
func run(t *testing.T, program, dir string) *process {
	t.Helper()
	public, admin := freeAddress(t), freeAddress(t)
	p := &process{url: "http://" + public, cmd: exec.CommandContext(context.Background(), program, "-data-dir", dir,
		"-http-addr", public, "-admin-addr", admin, "-send-rate", "0", "-drain", "0")}
	p.cmd.Stderr = t.Output()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	for range 200 {
		response, err := http.Get("http://" + admin + "/readyz")
		if err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK {
			return p
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("confab is not ready after 10 s")
	return nil
}

// kill ends the process as a power button does. Again, it does nothing.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// stop asks the process to end and fails the test unless it does so in order.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("confab ended with %v", err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// command runs the program to its end.
func command(t *testing.T, program string, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
