package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runMain is set for a copy of the test binary that is to be the program.
const runMain = "CONFAB_MONGOTESTSERVER_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is the test binary run as the program, its data below dir.
type program struct {
	*exec.Cmd
	dir   string
	stdin io.Closer
	out   *bufio.Reader
	uri   string
}

// start runs the program until the test ends at the latest, and waits until it is ready.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	p := &program{Cmd: exec.CommandContext(ctx, os.Args[0], args...), dir: t.TempDir()}
	p.Env = append(os.Environ(), runMain+"=1", "TMPDIR="+p.dir)
	p.Stderr = os.Stderr
	stdin, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = p.Wait() })
	p.stdin, p.out = stdin, bufio.NewReader(stdout)
	line, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("not ready: %v", err)
	}
	p.uri = strings.TrimSuffix(line, "\n")
	return p
}

// wantStopped waits for the program's end and checks what it leaves.
func (p *program) wantStopped(t *testing.T) {
	t.Helper()
	if more, err := io.ReadAll(p.out); err != nil || len(more) > 0 {
		t.Errorf("more than one line on standard output: %q, %v", more, err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
	if left, err := os.ReadDir(p.dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestProgramStops(t *testing.T) {
	ways := map[string]func(*program) error{
		"end of input": func(p *program) error { return p.stdin.Close() },
		"SIGTERM":      func(p *program) error { return p.Process.Signal(syscall.SIGTERM) },
		"SIGINT":       func(p *program) error { return p.Process.Signal(syscall.SIGINT) },
	}
	for name, stop := range ways {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			if !regexp.MustCompile(`^mongodb://127\.0\.0\.1:\d+/$`).MatchString(p.uri) {
				t.Errorf("printed %q", p.uri)
			}
			if entries, _ := os.ReadDir(p.dir); len(entries) != 1 {
				t.Errorf("%d entries in the directory for temporary files, want the data", len(entries))
			}
			// A client that stays must not delay the end.
			ping(t, connect(t, p.uri))
			began := time.Now()
			if err := stop(p); err != nil {
				t.Fatal(err)
			}
			p.wantStopped(t)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("stopping took %v", took)
			}
		})
	}
}

func TestProgramListensWhereTold(t *testing.T) {
	free := listen(t)
	addr := free.Addr().String()
	free.Close()
	if p := start(t, "-addr", addr); p.uri != "mongodb://"+addr+"/" {
		t.Errorf("printed %q, want the address %s", p.uri, addr)
	}
}

func TestRunExits(t *testing.T) {
	taken := listen(t).Addr().String()
	tests := []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"-h"}, 0, "-gate"},
		{[]string{"-nonsense"}, 2, "-nonsense"},
		{[]string{"nonsense"}, 2, `unexpected argument "nonsense"`},
		{[]string{"-addr", taken}, 1, "address already in use"},
	}
	t.Setenv("TMPDIR", t.TempDir())
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var stdout, stderr strings.Builder
			input, _ := io.Pipe()
			code := run(t.Context(), test.args, input, &stdout, &stderr)
			if code != test.code || !strings.Contains(stderr.String(), test.stderr) || stdout.Len() > 0 {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, &stdout, &stderr)
			}
		})
	}
}
