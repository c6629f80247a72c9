package split

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopTimeout is what a process gets to end after SIGTERM: above every drain, below the 30 s of Kubernetes.
const stopTimeout = 28 * time.Second

// Process is one process of a deployment. Its methods may be called from any goroutine.
type Process struct {
	Service  string // or Mongo, Redis, routes.Web
	Replica  int    // from 1
	Addr     string // host:port where it serves clients
	AdminURL string // base of /metrics, /healthz and /readyz; empty for Mongo and Redis
	LogFile  string // what it printed, over all its runs

	internalAddr string
	command      func() *exec.Cmd
	ready        func(context.Context) error
	starter      *starter
	dead         chan<- error

	mu  sync.Mutex
	run *run // the present one, or the last; nil before the first
}

// run is the life of a process between a start and its end.
type run struct {
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error // of cmd.Wait, once ended is closed
	asked  bool  // by us to end; under Process.mu
	killed bool  // by us; under Process.mu
}

// String is the process's name in messages, such as "auth-svc 2".
func (p *Process) String() string {
	if p.Replica == 0 {
		return p.Service
	}
	return fmt.Sprintf("%s %d", p.Service, p.Replica)
}

// URL is the base of what it serves to clients.
func (p *Process) URL() string {
	if strings.HasPrefix(p.Addr, ":") { // on every address of this machine
		return "http://localhost" + p.Addr
	}
	return "http://" + p.Addr
}

// PID is the process id of its present run, or its last.
func (p *Process) PID() int { return p.current().cmd.Process.Pid }

func (p *Process) current() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// start runs the process and waits until it is ready. An error has its last log lines.
func (p *Process) start(ctx context.Context) error {
	r, err := p.launch()
	if err != nil {
		return fmt.Errorf("%s does not start: %w", p, err)
	}
	for {
		err := p.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-r.ended:
			return fmt.Errorf("%s ended (%w) before it was ready: %s", p, r.err, lastLines(p.LogFile))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready (%w): %w; %s", p, context.Cause(ctx), err, lastLines(p.LogFile))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *Process) launch() (*run, error) {
	log, err := os.OpenFile(p.LogFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = log, log
	if err := p.starter.start(cmd); err != nil {
		return nil, err
	}
	r := &run{cmd: cmd, ended: make(chan struct{})}
	p.mu.Lock()
	p.run = r
	p.mu.Unlock()
	go p.watch(r)
	return r, nil
}

// watch waits for the end of a run, and tells where nobody asked for it.
func (p *Process) watch(r *run) {
	r.err = r.cmd.Wait()
	close(r.ended)
	p.mu.Lock()
	asked := r.asked
	p.mu.Unlock()
	if asked {
		return
	}
	select {
	case p.dead <- fmt.Errorf("%s ended by itself (%s): %s", p, r.cmd.ProcessState, lastLines(p.LogFile)):
	default: // as many as anybody reads
	}
}

// Kill ends the process as a power button does, and waits until it is gone.
func (p *Process) Kill() error {
	r, err := p.ask(syscall.SIGKILL)
	if err != nil {
		return err
	}
	<-r.ended
	return nil
}

// Terminate asks the process to end, and does not wait for it.
func (p *Process) Terminate() error {
	_, err := p.ask(syscall.SIGTERM)
	return err
}

// Wait waits until the present run has ended. It returns ctx's error where that comes first, or an error where the process ended with one;
// a killed one did.
func (p *Process) Wait(ctx context.Context) error {
	r := p.current()
	select {
	case <-r.ended:
		return r.err
	case <-ctx.Done():
		return fmt.Errorf("%s has not ended: %w", p, ctx.Err())
	}
}

// Stop freezes the process, and returns once it is so: its connections stay and nothing answers.
func (p *Process) Stop() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for range 1000 {
		if isFrozen(p.PID()) {
			return nil
		}
		time.Sleep(10 * time.Millisecond) // there is no event to wait for
	}
	return fmt.Errorf("%s goes on for 10 s", p)
}

// Continue ends a Stop.
func (p *Process) Continue() error { return p.signal(syscall.SIGCONT) }

// Restart runs an ended process again, on the same addresses, and waits until it is ready. It returns an error where the process runs still
// or does not get ready.
func (p *Process) Restart(ctx context.Context) error {
	select {
	case <-p.current().ended:
		return p.start(ctx)
	default:
		return fmt.Errorf("%s runs still", p)
	}
}

// ask signals an end that is no surprise.
func (p *Process) ask(s syscall.Signal) (*run, error) {
	p.mu.Lock()
	r := p.run
	if r != nil {
		r.asked = true
		r.killed = r.killed || s == syscall.SIGKILL
	}
	p.mu.Unlock()
	return r, p.signal(s)
}

func (p *Process) signal(s syscall.Signal) error {
	r := p.current()
	if r == nil {
		return fmt.Errorf("%s was not started", p)
	}
	if err := r.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	return nil
}

// end stops the process, if need be by force.
func (p *Process) end() error {
	r, err := p.ask(syscall.SIGTERM)
	if r == nil {
		return nil // it was not started
	}
	if err == nil {
		err = p.Continue()
	}
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-r.ended:
	case <-time.After(stopTimeout):
		_ = r.cmd.Process.Kill() // it may have ended
		<-r.ended
		return fmt.Errorf("%s was killed: it did not end within %v: %s", p, stopTimeout, lastLines(p.LogFile))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.err == nil || r.killed {
		return nil
	}
	return fmt.Errorf("%s ended with an error (%w): %s", p, r.err, lastLines(p.LogFile))
}
