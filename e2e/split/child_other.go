//go:build !linux

package split

import "syscall"

// childAttributes keep the terminal's Ctrl-C from a child: the parent stops its children in order.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// isFrozen reports true: there is no simple way to know.
func isFrozen(int) bool { return true }
