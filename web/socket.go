package web

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// closeWait is what a client gets to end its side of a socket that the service has closed.
const closeWait = 5 * time.Second

// isUpgrade reports whether the request may take its connection over.
func isUpgrade(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// socketWriter is the writer of such a request.
type socketWriter struct{ http.ResponseWriter }

// Unwrap is for http.ResponseController.
func (w socketWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack is http.Hijacker's.
func (w socketWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if tcp, ok := conn.(*net.TCPConn); ok {
		conn = clientConn{tcp}
	}
	return conn, buffer, err
}

// clientConn is the client's side of a socket.
type clientConn struct{ *net.TCPConn }

// CloseWrite tells the client that the service has closed, and waits for it no longer than closeWait: without, one that never closes
// would keep the connection for good.
func (c clientConn) CloseWrite() error {
	_ = c.SetReadDeadline(time.Now().Add(closeWait)) // fails where the client is gone
	return c.TCPConn.CloseWrite()
}
