// Package redistest starts real redis-servers for a test.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const startTimeout = 10 * time.Second

// Server is a redis-server on loopback that keeps nothing.
type Server struct {
	Addr string

	args  []string
	cmd   *exec.Cmd
	ended chan struct{}
}

// Start runs an empty redis-server until the test ends. It returns its URL.
func Start(t testing.TB) string {
	t.Helper()
	return StartServer(t).URL()
}

// StartServer is Start for a test that stops or restarts the server.
func StartServer(t testing.TB) *Server {
	t.Helper()
	return start(t, func(string) []string { return nil })
}

// URL returns what broker.Dial takes.
func (s *Server) URL() string { return "redis://" + s.Addr }

// start runs a server on a free port until the test ends, with further arguments for its port.
func start(t testing.TB, more func(port string) []string) *Server {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is missing: install it, on Debian by `apt-get install redis-server`")
	}
	var output strings.Builder
	for range 5 { // another process may take the port between its choice and its use
		address := freeAddress(t)
		_, port, _ := net.SplitHostPort(address) // freeAddress gave it
		s := &Server{Addr: address, args: append([]string{
			path, "--port", port, "--bind", "127.0.0.1",
			"--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", t.TempDir(),
		}, more(port)...)}
		if s.run(t, &output) {
			t.Cleanup(s.Kill)
			return s
		}
		s.Kill()
	}
	t.Fatalf("redis-server does not start:\n%s", &output)
	return nil
}

// run reports whether the server answers.
func (s *Server) run(t testing.TB, output *strings.Builder) bool {
	t.Helper()
	s.cmd = exec.CommandContext(context.Background(), s.args[0], s.args[1:]...)
	s.cmd.Stdout = output
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // it is killed, or could not take the port
		close(ended)
	}(s.cmd, s.ended)
	return listens(s.Addr, s.ended)
}

// Kill ends the server at once, and returns when it has ended.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended by itself, and has nothing to save
	<-s.ended
}

// Restart runs the server again after Kill, at its address and without data. A node of a cluster keeps its slots.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	var output strings.Builder
	if !s.run(t, &output) {
		t.Fatalf("redis-server does not start again:\n%s", &output)
	}
}

// Pause stops the server by SIGSTOP: its connections stay open, and it says nothing. Resume has it go on.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGSTOP)
}

// Resume undoes Pause.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.signal(t, syscall.SIGCONT)
}

func (s *Server) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
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
