package mongotest

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// beChild is set for a copy of the test binary that prints its server's URI and waits.
const beChild = "CONFAB_MONGOTEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(beChild) == "" {
		os.Exit(m.Run())
	}
	s, err := server()
	if err != nil {
		os.Exit(1)
	}
	os.Stdout.WriteString(s.uri + "\n")
	select {}
}

func TestServerEndsWithTheProcess(t *testing.T) {
	if os.Getenv("CONFAB_TEST_MONGO_URI") != "" {
		t.Skip("the server is not ours")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), beChild+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSuffix(strings.TrimPrefix(line, "mongodb://"), "/\n")
	if c, err := net.Dial("tcp", addr); err != nil {
		t.Fatalf("the server does not run: %v", err)
	} else {
		c.Close()
	}
	if "mongodb://"+addr+"/" == URI(t) {
		t.Error("two processes have one server")
	}
	_ = child.Process.Kill() // leaves it no time to clean up
	_ = child.Wait()
	for range 500 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		c.Close()
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the server outlives the process")
}

func TestServerIsOneForAllTests(t *testing.T) {
	if first, second := URI(t), URI(t); first != second {
		t.Errorf("%s and %s", first, second)
	}
}

func TestStartFails(t *testing.T) {
	silent := filepath.Join(t.TempDir(), "silent")
	if err := os.WriteFile(silent, []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{silent, filepath.Join(t.TempDir(), "nowhere")} {
		if p, err := start(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, %v", path, p, err)
		}
	}
}

func TestBinaryOfTheEnvironment(t *testing.T) {
	t.Setenv("CONFAB_TEST_MONGOSERVER", "/some/where")
	if path, err := binary(); path != "/some/where" || err != nil {
		t.Errorf("%s, %v", path, err)
	}
}

func TestBinaryIsBuilt(t *testing.T) {
	t.Setenv("CONFAB_TEST_MONGOSERVER", "")
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(root, "bin", "mongotestserver"); path != want {
		t.Errorf("got %s, want %s", path, want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("no program: %v, %v", info, err)
	}
}

func TestBinaryOutsideTheRepository(t *testing.T) {
	t.Setenv("CONFAB_TEST_MONGOSERVER", "")
	t.Chdir(t.TempDir())
	if path, err := binary(); err == nil || !strings.Contains(err.Error(), "CONFAB_TEST_MONGOSERVER") {
		t.Errorf("%s, %v", path, err)
	}
}

func TestBuildTellsWhatFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() { nonsense }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := build(dir, filepath.Join(dir, "x")); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v", err)
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var inside, runs atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := locked(path, func() error {
				if inside.Add(1) != 1 {
					t.Error("two at once")
				}
				time.Sleep(time.Millisecond)
				inside.Add(-1)
				runs.Add(1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if runs.Load() != 8 {
		t.Errorf("%d of 8 ran", runs.Load())
	}
}
