package chaos

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

const slowBuffer = 4 << 10 // bytes that the system takes for a raw socket, so that it is the gateway that has to wait

// dialSlow opens a socket that has hardly room for what it does not read.
func dialSlow(ctx context.Context, gateway, token string) (*websocket.Conn, error) {
	small := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		refused := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, slowBuffer)
		})
		return errors.Join(refused, err)
	}}
	dialer := websocket.Dialer{NetDialContext: small.DialContext, HandshakeTimeout: 10 * time.Second}
	url, header := "ws"+strings.TrimPrefix(gateway, "http")+"/v1/ws", http.Header{"Authorization": {"Bearer " + token}}
	ws, _, err := dialer.DialContext(ctx, url, header) //nolint:bodyclose // the dialer has read it
	return ws, err
}

// join is the command.
type join struct {
	Type         string `json:"type"`
	Conversation string `json:"conversation"`
	Rev          int64  `json:"rev"`
	ID           int    `json:"id"`
}
