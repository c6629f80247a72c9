// Package tcp dials the other programs of a deployment.
package tcp

import (
	"net"
	"time"
)

// patience is how long the other end may acknowledge nothing. A host or pod that is gone says no word, and TCP by itself sends again for a quarter of an hour. A
// program that is merely slow does not matter: its kernel acknowledges, and takes what fits into its buffers.
const patience = 3 * time.Second

// Dialer returns a dialer whose connections break soon after the other end has gone without a word. timeout is for dialing.
func Dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout: timeout, Control: control,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: time.Second, Count: 3},
	}
}
