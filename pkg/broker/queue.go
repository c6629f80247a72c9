package broker

import (
	"context"
	"sync"
)

// queueLen bounds the deliveries that wait for a Receive. What comes when they are full is lost, and the receiver is told.
const queueLen = 8192

// queue holds the deliveries of one subscription.
type queue struct {
	deliveries chan Delivery
	closed     chan struct{}
	closing    sync.Once
	lost       chan struct{} // holds a token until Receive has told of a loss
}

func newQueue() *queue {
	return &queue{deliveries: make(chan Delivery, queueLen), closed: make(chan struct{}), lost: make(chan struct{}, 1)}
}

// put never blocks.
func (q *queue) put(d Delivery) {
	select {
	case q.deliveries <- d:
	default:
		q.interrupt()
	}
}

// interrupt makes a later Receive return ErrInterrupted once.
func (q *queue) interrupt() {
	select {
	case q.lost <- struct{}{}:
	default:
	}
}

func (q *queue) Receive(ctx context.Context) (Delivery, error) {
	select {
	case <-q.closed: // whatever else there is
		return Delivery{}, ErrClosed
	default:
	}
	select {
	case <-q.closed:
		return Delivery{}, ErrClosed
	case <-ctx.Done():
		return Delivery{}, ctx.Err()
	case <-q.lost:
		return Delivery{}, ErrInterrupted
	case d := <-q.deliveries:
		return d, nil
	}
}

func (q *queue) close() { q.closing.Do(func() { close(q.closed) }) }
