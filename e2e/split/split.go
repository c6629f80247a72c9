// Package split runs Confab as it is deployed, on this machine: replicas of each service as processes, over MongoDB's stand-in and Redis,
// with one port in front.
package split

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/peer"
)

// The processes that are no service.
const (
	Mongo = "mongotestserver"
	Redis = "redis-server"
)

// services are in the order in which they stop in reverse: each can flush to those it needs.
var services = []string{peer.AuthService, peer.ConversationService, peer.MessageService, peer.RealtimeService}

const readyTimeout = time.Minute // for the slowest machine; it takes two seconds

// Options are what a deployment may differ in.
type Options struct {
	Bin      string              // the directory of the programs; see Build
	Dir      string              // for logs and mails, made where it is missing; those of an earlier run are overwritten
	Replicas int                 // of each service; 0: 2
	MongoURI string              // empty: a stand-in of its own, empty and slow
	HTTPAddr string              // of the one port in front; empty: a free port of loopback
	Flags    map[string][]string // by service, web's too, behind those that Start gives
	// Env returns settings of the process, as "NAME=value", whenever it is started. nil: there are none.
	Env func(p *Process) []string
	// Between returns the address by which a replica reaches another program in place of addr: that of a proxy, or addr. nil: no proxies.
	Between func(from, to, addr string) (string, error)
}

// Deployment is a running Confab.
type Deployment struct {
	URL   string       // of the one port in front
	Web   *Process     // what listens there
	Redis *Process     // keeps nothing: a restart comes back empty
	Mongo *Process     // nil where Options has a URI
	Dead  <-chan error // processes that ended by themselves, each with its last log lines; 16 are kept

	options  Options
	keys     string // -service-keys
	starter  *starter
	internal map[string]*balancer // by service
	dead     chan error

	closed  sync.Once
	closing error // close's

	mu    sync.Mutex
	tiers [][]*Process // in the order of their start
}

// Start starts all processes and waits until they are ready. Where one does not get so, it stops the others and returns an error with that
// one's last log lines. ctx bounds the start alone.
func Start(ctx context.Context, o Options) (*Deployment, error) {
	if o.Replicas == 0 {
		o.Replicas = 2
	}
	if o.Between == nil {
		o.Between = func(_, _, addr string) (string, error) { return addr, nil }
	}
	if o.Env == nil {
		o.Env = func(*Process) []string { return nil }
	}
	var err error
	if o.Bin, err = filepath.Abs(o.Bin); err != nil {
		return nil, err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, err
	}
	dead := make(chan error, 16)
	d := &Deployment{
		options: o, keys: rand.Text() + rand.Text(), Dead: dead, dead: dead,
		starter: newStarter(), internal: map[string]*balancer{},
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := d.start(ctx); err != nil {
		d.KillAll()
		_ = d.Close() // that the others ended in the middle of their start is no news
		return nil, err
	}
	return d, nil
}

func (d *Deployment) start(ctx context.Context) error {
	if err := d.startStores(ctx); err != nil {
		return err
	}
	for _, service := range services {
		b, err := listenBalancer(ctx)
		if err != nil {
			return err
		}
		d.internal[service] = b
	}
	for _, service := range services {
		var tier []*Process
		for i := range d.options.Replicas {
			p, err := d.newService(service, i+1, nil)
			if err != nil {
				return err
			}
			tier = append(tier, p)
			d.internal[service].add(p.internalAddr)
		}
		d.add(tier...)
	}
	web, err := d.newWeb()
	if err != nil {
		return err
	}
	d.Web, d.URL = web, web.URL()
	d.add(web)
	return startAll(ctx, slices.Concat(d.tiers[1:]...))
}

func (d *Deployment) startStores(ctx context.Context) error {
	var stores []*Process
	if d.options.MongoURI == "" {
		p, err := d.newMongo()
		if err != nil {
			return err
		}
		d.Mongo = p
		stores = append(stores, p)
	}
	p, err := d.newRedis()
	if err != nil {
		return err
	}
	d.Redis = p
	stores = append(stores, p)
	d.add(stores...)
	return startAll(ctx, stores)
}

// startAll starts the processes beside each other and waits for all. Where one fails, the others are not waited for.
func startAll(ctx context.Context, processes []*Process) error {
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	var group sync.WaitGroup
	for _, p := range processes {
		group.Go(func() {
			if err := p.start(ctx); err != nil {
				failed(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

func (d *Deployment) add(tier ...*Process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tiers = append(d.tiers, tier)
}

// Processes returns all of them, in the order of their start.
func (d *Deployment) Processes() []*Process {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Concat(d.tiers...)
}

// Process returns the i-th replica of a service, from 0.
func (d *Deployment) Process(service string, i int) *Process {
	for _, p := range d.Processes() {
		if p.Service == service && p.Replica == i+1 {
			return p
		}
	}
	panic(fmt.Sprintf("split: there is no replica %d of %s", i, service))
}

// StartReplica starts one more replica, with flags of its own, and waits until it is ready. Nobody else is told of it: it gets the requests
// that are sent to its Addr.
func (d *Deployment) StartReplica(ctx context.Context, service string, flags ...string) (*Process, error) {
	replica := 1
	for _, p := range d.Processes() {
		if p.Service == service {
			replica++
		}
	}
	p, err := d.newService(service, replica, flags)
	if err != nil {
		return nil, err
	}
	d.add(p)
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Close stops all processes in the reverse order of their start. It returns an error for each that had ended by itself, did not end in
// time, or ended with an error. Called again, it returns the same.
func (d *Deployment) Close() error {
	d.closed.Do(func() { d.closing = d.close() })
	return d.closing
}

func (d *Deployment) close() error {
	d.mu.Lock()
	tiers := slices.Clone(d.tiers)
	d.mu.Unlock()
	var errs []error
	for _, tier := range slices.Backward(tiers) {
		each := make([]error, len(tier))
		var group sync.WaitGroup
		for i, p := range tier {
			group.Go(func() { each[i] = p.end() })
		}
		group.Wait()
		errs = append(errs, each...)
	}
	for _, b := range d.internal {
		b.close()
	}
	d.starter.close()
	return errors.Join(errs...)
}

// KillAll ends all processes at once, as a power button does; but the stand-in for MongoDB is asked, since it has data to remove. Close has
// to follow.
func (d *Deployment) KillAll() {
	for _, p := range d.Processes() {
		if p == d.Mongo {
			_ = p.Terminate() // it may have ended
			continue
		}
		_ = p.Kill() // it may have ended
	}
}
