package split_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/confab-chat/confab/e2e/split"
)

// orphanDir is set where the test's program is to be a parent that dies.
const orphanDir = "SPLIT_TEST_ORPHANS"

// becomeOrphaned starts a deployment, says so and waits for its own death.
func becomeOrphaned(dir string) {
	d, err := split.Start(context.Background(), split.Options{Bin: os.Args[1], Dir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Print(".")
	for range d.Dead { // nobody dies before
	}
}

func TestProcessesDieWithTheirParent(t *testing.T) {
	dir := t.TempDir()
	parent := exec.CommandContext(t.Context(), os.Args[0], bin)
	parent.Env = append(os.Environ(), orphanDir+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, 1)
	if _, err := out.Read(ready); err != nil || string(ready) != "." {
		t.Fatalf("%s, %v", ready, err)
	}
	if len(in(t, dir)) == 0 {
		t.Fatal("there are no processes")
	}
	_ = parent.Process.Kill() // it runs
	_ = parent.Wait()         // it was killed
	requireNobodyIn(t, dir)
}

// requireNobodyIn waits until no process has the working directory.
func requireNobodyIn(t *testing.T, dir string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		pids := in(t, dir)
		if len(pids) == 0 {
			return
		}
		if time.Now().After(deadline) {
			for _, pid := range pids {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
			}
			t.Fatalf("these run still: %v", pids)
		}
	}
}

// in returns the processes that have the working directory.
func in(t *testing.T, dir string) []int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, link := range links {
		target, err := os.Readlink(link)
		pid, _ := strconv.Atoi(strings.Split(link, "/")[2]) // the pattern has digits there
		if err == nil && target == dir {
			found = append(found, pid)
		}
	}
	return found
}
