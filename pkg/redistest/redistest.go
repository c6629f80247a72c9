// Package redistest starts a real redis-server for a test.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const startTimeout = 10 * time.Second

// Start runs an empty redis-server, which keeps nothing, until the test ends. It returns its URL.
func Start(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is missing: install it, on Debian by `apt-get install redis-server`")
	}
	var output strings.Builder
	for range 5 { // another process may take the port between its choice and its use
		address := freeAddress(t)
		_, port, _ := net.SplitHostPort(address) // freeAddress gave it
		cmd := exec.CommandContext(context.Background(), path, "--port", port, "--bind", "127.0.0.1",
			"--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", t.TempDir())
		cmd.Stdout = &output
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // it is killed, or could not take the port
			close(ended)
		}()
		if listens(address, ended) {
			t.Cleanup(func() {
				_ = cmd.Process.Kill() // it has nothing to save
				<-ended
			})
			return "redis://" + address
		}
		_ = cmd.Process.Kill() // it may have ended by itself
		<-ended
	}
	t.Fatalf("redis-server does not start:\n%s", &output)
	return ""
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listens waits until the server answers a PING, or has ended.
func listens(address string, ended <-chan struct{}) bool {
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); {
		select {
		case <-ended:
			return false
		case <-time.After(10 * time.Millisecond):
		}
		if answers(address) {
			return true
		}
	}
	return false
}

func answers(address string) bool {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Second)) // then the read fails
	fmt.Fprint(c, "PING\r\n")
	answer := make([]byte, 5)
	n, _ := c.Read(answer)
	return string(answer[:n]) == "+PONG"
}
