package split

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// balancer stands for a service's internal address, as a Service of Kubernetes does: each connection goes to the next replica that takes it.
type balancer struct {
	listener net.Listener

	mu       sync.Mutex
	replicas []string
	turn     int
}

func listenBalancer(ctx context.Context) (*balancer, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &balancer{listener: l}
	go b.serve()
	return b, nil
}

func (b *balancer) addr() string { return b.listener.Addr().String() }

func (b *balancer) add(replica string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replicas = append(b.replicas, replica)
}

// close takes no more connections. Those there are end with their processes.
func (b *balancer) close() { _ = b.listener.Close() }

func (b *balancer) serve() {
	for {
		client, err := b.listener.Accept()
		if err != nil {
			return // closed
		}
		go b.relay(client.(*net.TCPConn))
	}
}

func (b *balancer) relay(client *net.TCPConn) {
	defer client.Close()
	replica := b.dial()
	if replica == nil {
		return
	}
	defer replica.Close()
	ended := make(chan struct{}, 2)
	pass := func(to, from *net.TCPConn) {
		_, _ = io.Copy(to, from) // ends with either end
		_ = to.CloseWrite()
		ended <- struct{}{}
	}
	go pass(replica, client)
	go pass(client, replica)
	<-ended
	<-ended
}

// dial returns nil where no replica takes the connection.
func (b *balancer) dial() *net.TCPConn {
	b.mu.Lock()
	replicas, turn := b.replicas, b.turn
	b.turn++
	b.mu.Unlock()
	dialer := net.Dialer{Timeout: time.Second}
	for i := range replicas {
		if c, err := dialer.Dial("tcp", replicas[(turn+i)%len(replicas)]); err == nil {
			return c.(*net.TCPConn)
		}
	}
	return nil
}
