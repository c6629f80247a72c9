//go:build !linux

package tcp

import "syscall"

var control func(network, address string, c syscall.RawConn) error // such systems are for development
