package web

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	writeWait = 10 * time.Second // what a client gets to take what was read from the service at once, some 32 KiB
	// sendBuffer is how many bytes the system may hold for a client: else megabytes, by which a slow one would be behind before its gateway knew.
	sendBuffer = 64 << 10
	closeWait  = 5 * time.Second // what a client gets to end its side of a socket that the service has closed
)

// isUpgrade reports whether the request is to become a socket. Some clients offer h2c with each request, which no service takes.
func isUpgrade(r *http.Request) bool { return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") }

// socketWriter is the writer of such a request.
type socketWriter struct{ http.ResponseWriter }

// Unwrap is for http.ResponseController.
func (w socketWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack is http.Hijacker's.
func (w socketWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // else it is as large as the system wants
		conn = clientConn{Conn: tcp, tcp: tcp}
	}
	return conn, buffer, err
}

// clientConn is the client's side of a socket. It is no *net.TCPConn, whose ReadFrom would write around Write.
type clientConn struct {
	net.Conn
	tcp *net.TCPConn
}

// Write fails where the client does not take all of p within writeWait: without, one that stops reading would keep the connection for good.
func (c clientConn) Write(p []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(writeWait)) // fails where the client is gone, as the write does then
	return c.Conn.Write(p)
}

// CloseWrite tells the client that the service has closed, and waits for it no longer than closeWait: without, one that never closes
// would keep the connection for good.
func (c clientConn) CloseWrite() error {
	_ = c.SetReadDeadline(time.Now().Add(closeWait)) // fails where the client is gone
	return c.tcp.CloseWrite()
}
