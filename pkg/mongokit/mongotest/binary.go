package mongotest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// binary returns the test server's path: CONFAB_TEST_MONGOSERVER, which the Makefile sets, else bin/mongotestserver in
// the repository, built if it is not up to date. The first build of all takes about a minute.
func binary() (string, error) {
	if path := os.Getenv("CONFAB_TEST_MONGOSERVER"); path != "" {
		return path, nil
	}
	root, err := repository()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "mongotestserver")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, locked(path+".lock", func() error { return build(filepath.Join(root, "tools", "mongotestserver"), path) })
}

// repository returns the directory above the working directory that has a go.work.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.work above the working directory: set CONFAB_TEST_MONGOSERVER")
		}
		dir = parent
	}
}

// build makes the program of the module in dir. The go command does nothing where it is up to date.
func build(dir, path string) error {
	cmd := exec.CommandContext(context.Background(), "go", "build", "-o", path, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off") // the module is no part of the workspace
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the test server: %w\n%s", err, out)
	}
	return nil
}

// locked runs f while no other process or goroutine runs one under the same lock file: go test runs packages side by
// side. The system drops the lock of a process that dies.
func locked(path string, f func() error) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		if err == nil {
			return f()
		}
		if !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("lock %s: %w", path, err)
		}
	}
}
