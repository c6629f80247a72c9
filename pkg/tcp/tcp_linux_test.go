package tcp_test

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/confab-chat/confab/pkg/tcp"
)

func TestConnectionsBreakSoonAfterTheOtherEndHasGone(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := tcp.Dialer(time.Second).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, option := range map[string]struct{ number, want int }{
		"milliseconds without an acknowledgement": {unix.TCP_USER_TIMEOUT, 3000},
		"idle seconds before it is asked":         {unix.TCP_KEEPIDLE, 5},
	} {
		var got int
		refused := raw.Control(func(fd uintptr) { got, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, option.number) })
		if refused != nil || err != nil || got != option.want {
			t.Errorf("%s: %d, want %d (%v, %v)", name, got, option.want, refused, err)
		}
	}
}
