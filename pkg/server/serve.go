package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 15 * time.Second // above RequestTimeout, so that the endpoint's own answer comes first
	writeTimeout  = 40 * time.Second // from the request's header to the answer's end, so that who never reads holds nothing
	idleTimeout   = 2 * time.Minute  // above that of common load balancers, so that they and not we close idle connections
	stopTimeout   = 15 * time.Second // for the requests under way when the program ends
)

var flagOf = map[string]string{"public": "http-addr", "internal": "internal-addr", "admin": "admin-addr"}

// listener is an HTTP server with its address bound.
type listener struct {
	name   string
	bound  net.Listener
	server *http.Server
}

// Serve runs the app and its listeners until ctx ends or one of them fails. Then it stops in reverse order: readiness, the
// connections of a Drainer, the listeners with the requests under way, the app's background work, and last the admin listener.
func Serve(ctx context.Context, c *Config, app App, gatherer prometheus.Gatherer, log *slog.Logger, listening func(public net.Addr)) error {
	var stopping atomic.Bool
	own := prometheus.NewRegistry()
	own.MustRegister(newDrainingGauge(&stopping))
	admin, err := listen(ctx, "admin", c.AdminAddr, adminHandler(app, prometheus.Gatherers{gatherer, own}, &stopping, c.PProf), log)
	if err != nil {
		return err
	}
	defer admin.close()
	front, err := listenAll(ctx, c, app, log)
	if err != nil {
		return err
	}
	running, stopRunning := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRunning()
	ended := make(chan error, 1)
	go func() { ended <- app.Run(running) }()
	failed := make(chan error, len(front)+1)
	for _, l := range append(front, admin) {
		go l.serve(failed)
		log.InfoContext(ctx, "listening", "listener", l.name, "address", l.bound.Addr().String(), "version", Version)
	}
	listening(front[0].bound.Addr())
	err = wait(ctx, failed, ended)
	stopping.Store(true)
	log.InfoContext(ctx, "stopping")
	if d, ok := app.(Drainer); ok {
		d.Drain(context.WithoutCancel(ctx))
	}
	err = errors.Join(err, shutdown(front))
	stopRunning()
	return errors.Join(err, <-ended)
}

func listenAll(ctx context.Context, c *Config, app App, log *slog.Logger) ([]*listener, error) {
	public, err := listen(ctx, "public", c.HTTPAddr, app.Public(), log)
	if err != nil || app.Internal() == nil || c.InternalAddr == "" {
		return []*listener{public}, err
	}
	internal, err := listen(ctx, "internal", c.InternalAddr, app.Internal(), log)
	if err == nil {
		err = tellAddress(app, internal.bound.Addr())
	}
	if err != nil {
		public.close()
	}
	return []*listener{public, internal}, err
}

// tellAddress tells the app where other hosts reach its internal listener.
func tellAddress(app App, bound net.Addr) error {
	a, ok := app.(Addressed)
	if !ok {
		return nil
	}
	address := bound.(*net.TCPAddr).AddrPort()
	if !address.Addr().IsUnspecified() {
		a.SetInternalAddress(address)
		return nil
	}
	own, err := ownAddress()
	if err == nil {
		a.SetInternalAddress(netip.AddrPortFrom(own, address.Port()))
	}
	return err
}

// ownAddress returns the first address of this host, or pod, that others reach; the loopback one where there is none.
func ownAddress() (netip.Addr, error) {
	addresses, err := net.InterfaceAddrs()
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && prefix.Addr().IsGlobalUnicast() {
			return prefix.Addr(), nil
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1}), err
}

func listen(ctx context.Context, name, address string, handler http.Handler, log *slog.Logger) (*listener, error) {
	var lc net.ListenConfig
	bound, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the %s address, give another one with -%s: %w", name, flagOf[name], err)
	}
	return &listener{name: name, bound: bound, server: &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}, nil
}

func (l *listener) close() {
	_ = l.server.Close()
	_ = l.bound.Close() // the server closes it only where it serves
}

func (l *listener) serve(failed chan<- error) {
	if err := l.server.Serve(l.bound); !errors.Is(err, http.ErrServerClosed) {
		failed <- fmt.Errorf("%s listener: %w", l.name, err)
	}
}

// wait returns nil when ctx ends, else the error that ended a listener or the app. It puts the app's outcome back for the caller.
func wait(ctx context.Context, failed <-chan error, ended chan error) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	case err := <-ended:
		ended <- nil
		if err == nil {
			err = errors.New("the app ended by itself")
		}
		return err
	}
}

func shutdown(front []*listener) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for _, l := range slices.Backward(front) {
		errs = append(errs, l.server.Shutdown(ctx))
	}
	return errors.Join(errs...)
}
