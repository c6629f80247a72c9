package mongotest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// A process is a server that ends when its standard input does, which the system sees to when this process ends. Held
// here, the input's file is not collected, and so closed, before.
type process struct {
	uri   string
	stdin io.Closer
}

// server returns what the tests of this process use and starts it on the first call, unless the environment names one.
var server = sync.OnceValues(func() (process, error) {
	if uri := os.Getenv("CONFAB_TEST_MONGO_URI"); uri != "" {
		return process{uri: uri}, nil
	}
	path, err := binary()
	if err != nil {
		return process{}, err
	}
	return start(path)
})

// start runs the test server at path and returns once it is ready.
func start(path string) (process, error) {
	cmd := exec.CommandContext(context.Background(), path)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return process{}, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return process{}, err
	}
	if err := cmd.Start(); err != nil {
		return process{}, fmt.Errorf("start the test server: %w", err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = stdin.Close()
		return process{}, errors.Join(fmt.Errorf("%s ended before it printed a URI", path), cmd.Wait())
	}
	return process{uri: strings.TrimSuffix(line, "\n"), stdin: stdin}, nil
}
