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
	binary  string
	address string
	admin   string
	dir     string
	flags   []string
	cmd     *exec.Cmd
}

// start runs the program on free ports and waits until it is ready.
func start(ctx context.Context, binary string, flags ...string) (*confab, error) {
	dir, err := os.MkdirTemp("", "confab-bench-")
	if err != nil {
		return nil, err
	}
	public, admin, err := freeAddresses()
	if err != nil {
		return nil, err
	}
	c := &confab{binary: binary, address: public, admin: admin, dir: dir, flags: flags}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *confab) run(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	flags := append([]string{"-data-dir", filepath.Join(c.dir, "data"), "-http-addr", c.address, "-admin-addr", c.admin,
		"-send-rate", "0", "-register-rate", "0", "-login-rate", "0", "-start-limit", "0", "-connect-rate", "0"}, c.flags...)
	c.cmd = exec.CommandContext(ctx, c.binary, flags...)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	if err := c.cmd.Start(); err != nil {
		return err
	}
	for range 100 {
		if response, err := http.Get("http://" + c.admin + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.Join(fmt.Errorf("%s is not ready after 5 s; see %s", c.binary, log.Name()), c.end())
}

// restart gives the data to a new process, whose memory has held nothing yet.
func (c *confab) restart(ctx context.Context) error { return errors.Join(c.end(), c.run(ctx)) }

func (c *confab) end() error { return errors.Join(c.cmd.Process.Signal(syscall.SIGTERM), c.cmd.Wait()) }

func (c *confab) stop() error { return errors.Join(c.end(), os.RemoveAll(c.dir)) }

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
	return newClient(conn, token), nil
}

func newClient(conn net.Conn, token string) *client {
	return &client{conn: conn, in: bufio.NewReader(conn), token: token}
}
