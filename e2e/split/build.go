package split

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/confab-chat/confab/pkg/routes"
)

// Kind is how the services of a deployment are built.
type Kind string

// The kinds.
const (
	Released Kind = ""            // as they are delivered
	Racy     Kind = "-race"       // under the race detector: a process that saw a race ends with an error
	Chaotic  Kind = "-tags=chaos" // with what the packages guard and clock have for chaos
)

// Build makes the programs that a deployment runs, from the repository around the working directory, and returns their directory: one below
// bin, which `make build` leaves alone. It takes long only where something has changed. Processes that build at once wait for each other.
func Build(ctx context.Context, kind Kind) (bin string, err error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	bin = filepath.Join(root, "bin", "split"+string(kind))
	if err := os.MkdirAll(bin, 0o750); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(bin+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close() // which unlocks it
	if err := flock(lock); err != nil {
		return "", err
	}
	args := []string{"build", "-o", bin + "/"}
	if kind != Released {
		args = append(args, string(kind))
	}
	for _, service := range append([]string{routes.Web}, services...) {
		args = append(args, "./"+service+"/cmd/"+service)
	}
	if err := goCommand(ctx, root, nil, args...); err != nil {
		return "", err
	}
	stand := filepath.Join(root, "tools", Mongo)
	return bin, goCommand(ctx, stand, []string{"GOWORK=off"}, "build", "-o", filepath.Join(bin, Mongo), ".") // no part of the workspace
}

func goCommand(ctx context.Context, dir string, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
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
			return "", errors.New("no go.work above the working directory")
		}
		dir = parent
	}
}

func flock(file *os.File) error {
	for {
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
