package split

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
)

// Ports below those that the system gives to outgoing connections: one of these would keep a restarted process from its port.
const (
	firstPort = 18000
	ports     = 14000
)

// turn is the port tried last, from firstPort: one after another, so that this process gives none twice, and from anywhere, so that two
// processes hardly meet.
var turn atomic.Uint32

func init() { turn.Store(rand.Uint32N(ports)) }

// freeAddress returns an address of loopback where nobody listens.
func freeAddress(ctx context.Context) (string, error) {
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+int(turn.Add(1)%ports)))
		if l, err := new(net.ListenConfig).Listen(ctx, "tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("of 100 ports none is free")
}
