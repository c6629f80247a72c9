package tcp

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// control sets the user timeout of RFC 5482.
func control(_, _ string, c syscall.RawConn) error {
	var err error
	refused := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(patience.Milliseconds()))
	})
	return errors.Join(refused, err)
}
