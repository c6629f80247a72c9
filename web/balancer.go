package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/tcp"
)

const (
	dialTimeout   = 1500 * time.Millisecond               // TCP asks again after 1 s where its first packet is lost; below secondTry, so that there is one
	answerTimeout = server.RequestTimeout + 5*time.Second // from the request's last byte to the answer's first: the service's own 503 comes sooner
	idleTimeout   = 90 * time.Second                      // below the services', so that web and not they close idle connections
	refusedRest   = time.Second                           // for which a replica that refused a connection is left alone
	silentRest    = 10 * time.Second                      // the same of one that did not answer in time: each request that finds it so is lost or late
	soleTries     = 4                                     // of the only URL: half of those behind it may be gone, and be named for some seconds more
	secondTry     = 2 * time.Second                       // after which a request is not tried elsewhere: its client has waited long enough
)

func newTransport() *http.Transport {
	return &http.Transport{
		DialContext:           tcp.Dialer(dialTimeout).DialContext,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       idleTimeout,
		TLSHandshakeTimeout:   answerTimeout,
		ResponseHeaderTimeout: answerTimeout,
		DisableCompression:    true, // bodies pass as they are
	}
}

// balancer sends each request to a replica of one service, in turns. It is an http.RoundTripper.
type balancer struct {
	transport http.RoundTripper
	service   string
	replicas  []*replica
	turn      atomic.Uint32
	metrics   *metrics
}

type replica struct {
	scheme, host string
	restsUntil   atomic.Int64 // in Unix nanoseconds; 0: it answered last time
}

func newBalancer(transport http.RoundTripper, service string, urls config.List, m *metrics) (*balancer, error) {
	b := &balancer{transport: transport, service: service, metrics: m}
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
			return nil, fmt.Errorf("%s: %q is no base URL: write http://host:port", service, text)
		}
		b.replicas = append(b.replicas, &replica{scheme: u.Scheme, host: u.Host})
	}
	if len(b.replicas) == 0 {
		return nil, fmt.Errorf("%s has no URL", service)
	}
	return b, nil
}

// RoundTrip asks one replica after another until one answers. Which may be asked after another was, see again. The last one's answer or
// error is the request's.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	order := b.order(start)
	for _, replica := range order[:len(order)-1] {
		answer, err := b.ask(replica, r)
		if !again(r, answer, err) || time.Since(start) > secondTry || answer != nil && len(b.replicas) == 1 { // who sheds load is not to get more of it
			return answer, err
		}
		if answer != nil {
			_ = answer.Body.Close()
		}
	}
	return b.ask(order[len(order)-1], r)
}

// order returns all replicas, beginning with the one whose turn it is. Those that rest come last. A URL that is the only one may stand for several replicas, as in
// Kubernetes: it comes soleTries times.
func (b *balancer) order(now time.Time) []*replica {
	if len(b.replicas) == 1 {
		return slices.Repeat(b.replicas, soleTries)
	}
	first := int(b.turn.Add(1)) % len(b.replicas)
	order := slices.Concat(b.replicas[first:], b.replicas[:first])
	slices.SortStableFunc(order, func(x, y *replica) int { return x.rests(now) - y.rests(now) })
	return order
}

func (r *replica) rests(now time.Time) int {
	if now.UnixNano() < r.restsUntil.Load() {
		return 1
	}
	return 0
}

func (r *replica) rest(d time.Duration) { r.restsUntil.Store(time.Now().Add(d).UnixNano()) }

func (b *balancer) ask(replica *replica, r *http.Request) (*http.Response, error) {
	r = r.WithContext(r.Context()) // a copy
	target := *r.URL
	target.Scheme, target.Host = replica.scheme, replica.host
	r.URL = &target
	if r.Body != nil {
		r.Body = io.NopCloser(r.Body) // another replica may need it; the proxy closes it
	}
	if replica.restsUntil.Load() != 0 {
		replica.rest(silentRest) // this request finds out whether it is back: meanwhile the others pass it over
	}
	answer, err := b.transport.RoundTrip(r)
	switch {
	case err == nil:
		replica.restsUntil.Store(0)
		if answer.StatusCode == http.StatusServiceUnavailable {
			b.metrics.failures.WithLabelValues(b.service, "busy").Inc()
		}
	case r.Context().Err() == nil: // else it is the client that left, or did not send its body in time
		b.metrics.failures.WithLabelValues(b.service, "error").Inc()
		if d := restAfter(err); d > 0 {
			replica.rest(d)
		}
	}
	return answer, err
}

// restAfter returns 0 where the error says nothing of the requests to come.
func restAfter(err error) time.Duration {
	switch {
	case isTimeout(err):
		return silentRest
	case isDial(err):
		return refusedRest
	default:
		return 0
	}
}

// again reports whether the request may go to another replica: nothing of it was sent, or it may be sent twice and this replica broke
// the connection or turns requests away. One that is slow has the request, and the others are hardly faster.
func again(r *http.Request, answer *http.Response, err error) bool {
	switch {
	case r.Context().Err() != nil:
		return false
	case isDial(err):
		return true
	case r.Method != http.MethodGet && r.Method != http.MethodHead || r.Body != nil:
		return false
	case err != nil:
		return !isTimeout(err)
	default:
		return answer.StatusCode == http.StatusServiceUnavailable
	}
}

func isDial(err error) bool {
	var e *net.OpError
	return errors.As(err, &e) && e.Op == "dial"
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &e) && e.Timeout()
}
