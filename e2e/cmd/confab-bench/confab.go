package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// confab is a running server with a data directory of its own.
type confab struct {
	address string
	dir     string
	cmd     *exec.Cmd
}

// start runs the program on free ports and waits until it is ready.
func start(ctx context.Context, binary string) (*confab, error) {
	dir, err := os.MkdirTemp("", "confab-bench-")
	if err != nil {
		return nil, err
	}
	public, admin, err := freeAddresses()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	c := &confab{address: public, dir: dir, cmd: exec.CommandContext(ctx, binary, "-data-dir", filepath.Join(dir, "data"),
		"-http-addr", public, "-admin-addr", admin, "-send-rate", "0", "-register-rate", "0", "-login-rate", "0", "-start-limit", "0")}
	c.cmd.Stdout, c.cmd.Stderr = log, log
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		if response, err := http.Get("http://" + admin + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return c, nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, errors.Join(fmt.Errorf("%s is not ready after 5 s; see %s", binary, log.Name()), c.stop())
}

func (c *confab) stop() error {
	err := c.cmd.Process.Signal(syscall.SIGTERM)
	return errors.Join(err, c.cmd.Wait(), os.RemoveAll(c.dir))
}

// freeAddresses asks the system for two ports that nobody uses.
func freeAddresses() (first, second string, err error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer a.Close()
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer b.Close()
	return a.Addr().String(), b.Addr().String(), nil
}

// client is one connection with one user's token. It speaks as much HTTP/1.1 as the server answers, to leave the two cores to the server.
type client struct {
	conn  net.Conn
	in    *bufio.Reader
	token string
	body  []byte
}

func (c *confab) dial(token string) (*client, error) {
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), token: token}, nil
}
