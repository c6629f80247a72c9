// Package chaos breaks a deployment of real processes while readers and writers use it through pkg/client, and has package checker count
// what was lost, doubled or out of order: on the raw frames of each connection, and behind the client.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/confab-chat/confab/e2e/checker"
	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/clock"
	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
)

// Scenario is a load and a fault.
type Scenario struct {
	Name    string
	Load    Load
	Changes int                 // are written, at least; the fault has its time whatever that takes
	Flags   map[string][]string // by service, beside those of Run
	Proxied []Way               // have a proxy in them
	Lose    int64               // the n-th event that Redis tells a gateway is lost where that way is proxied; 0: none is
	Within  time.Duration       // after its answer each change has to be with all readers that are not slow; 0: arrivalWait
	Kind    split.Kind          // of the services
	Without guard.Guard         // is switched off, where Kind is split.Chaotic; empty: none is
	// Fault does its damage, returns once that is over, and says what it did. It is an error where nothing was touched.
	Fault func(ctx context.Context, s *Scene) (string, error)
}

// Scene is what a fault may touch.
type Scene struct {
	*split.Deployment
	*network
	crew   *crew
	report *Report
	hush   context.CancelFunc // has no writer begin anything more
	moved  atomic.Int64       // nanoseconds: the clock of the first message-svc, from its next start on
}

// Report is how a scenario went.
type Report struct {
	Scenario string
	Without  guard.Guard // empty: none was off
	checker.Verdict
	Inboxes    []string        // what was wrong in them, in the end
	Did        string          // the fault
	Writing    time.Duration   // how long
	Rejoins    []time.Duration // sorted
	Sends      []time.Duration // sorted: of writers over HTTP, from the request to its 201, tries included
	Again      int64           // tries of writers that were not the first
	SocketsCut int
	Gaps       int64 // that the gateways had to close, as far as these live
	Announced  int64 // tries to announce an event that Redis did not take, of message-svcs that live
}

// OK reports whether nothing happened that must not.
func (r *Report) OK() bool { return r.Verdict.OK() && len(r.Inboxes) == 0 && len(r.Problems) == 0 }

const (
	calmBefore = 5 * time.Second
	calmAfter  = 5 * time.Second
	enough     = 12 * time.Minute // for all changes to be written
)

// Run runs the scenario on a deployment of its own, with the dice of seed. The error is of what could not be run.
func (s *Scenario) Run(ctx context.Context, dir string, seed uint64) (r *Report, err error) {
	bin, err := split.Build(ctx, s.Kind)
	if err != nil {
		return nil, err
	}
	scene := &Scene{network: newNetwork(s), report: &Report{Scenario: s.Name, Without: s.Without}}
	defer scene.close()
	scene.Deployment, err = split.Start(ctx, split.Options{
		Bin: bin, Dir: dir, Flags: s.flags(), Between: scene.between, Env: func(p *split.Process) []string { return s.env(p, scene) },
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scene.Close()) }()
	before, err := scene.goroutines(ctx)
	if err != nil {
		return nil, err
	}
	scene.crew, err = muster(ctx, scene.URL, scene.Process(peer.RealtimeService, 0).URL(), s.Load, seed)
	if err != nil {
		return nil, err
	}
	err = errors.Join(s.perform(ctx, scene), s.conclude(ctx, scene))
	scene.crew.dismiss()
	if failed := scene.crew.failed; len(failed) > 0 {
		scene.problem("%d readers or writers gave up, one with: %v", len(failed), failed[0])
	}
	scene.report.Again = scene.crew.resent + scene.crew.tries.again()
	return scene.report, errors.Join(err, scene.findLeaks(ctx, before))
}

func (s *Scenario) env(p *split.Process, scene *Scene) []string {
	env := []string{"GORACE=halt_on_error=1", guard.Variable + "=" + string(s.Without)}
	if p.Service == peer.MessageService && p.Replica == 1 {
		env = append(env, clock.Variable+"="+time.Duration(scene.moved.Load()).String())
	}
	return env
}

// Title is the name, with the guard that is off.
func (s *Scenario) Title() string {
	if s.Without == "" {
		return s.Name
	}
	return "without " + string(s.Without) + ": " + s.Name
}

func (s *Scenario) flags() map[string][]string {
	flags := map[string][]string{
		peer.AuthService:         {"-register-rate", "0", "-login-rate", "0"},
		peer.ConversationService: {"-start-limit", "0"},
		routes.Web:               {"-drain", "0"},
	}
	for service, more := range s.Flags {
		flags[service] = append(flags[service], more...)
	}
	for _, service := range []string{peer.AuthService, peer.ConversationService, peer.MessageService, peer.RealtimeService, routes.Web} {
		flags[service] = append(flags[service], "-pprof")
	}
	return flags
}

// perform lets the writers write before, during and after the fault.
func (s *Scenario) perform(ctx context.Context, scene *Scene) error {
	writing, stop := context.WithTimeout(ctx, enough)
	defer stop()
	scene.hush = stop
	written := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(written)
		scene.crew.write(writing)
	}()
	time.Sleep(calmBefore)
	did, err := s.Fault(ctx, scene)
	if err != nil {
		err = fmt.Errorf("the fault: %w", err)
	}
	scene.report.Did = did
	time.Sleep(calmAfter)
	for scene.crew.promises.Asked() < s.Changes && writing.Err() == nil && err == nil {
		time.Sleep(arrivalPoll)
	}
	stop()
	<-written
	scene.report.Writing = time.Since(begin)
	scene.crew.hurry()
	return err
}

// conclude waits until all is told, and fills the report.
func (s *Scenario) conclude(ctx context.Context, scene *Scene) error {
	r, c := scene.report, scene.crew
	took, settled := c.settle()
	if !settled {
		scene.problem("not every reader had the last change %v after it", took)
	}
	c.judge(&r.Verdict)
	if s.Within > 0 && r.Slowest > s.Within {
		scene.problem("a change took %.1f s to its last reader, above %v", r.Slowest.Seconds(), s.Within)
	}
	if n := c.renewed.Load(); n > 0 {
		scene.problem("%d times a user's token was refused", n)
	}
	r.Rejoins, r.Sends = c.rejoins(), c.waits
	slices.Sort(r.Rejoins)
	slices.Sort(r.Sends)
	r.SocketsCut = len(r.Rejoins)
	var gaps, announced, inboxes error
	if r.Inboxes, inboxes = c.inboxes(ctx); len(r.Inboxes) > 0 {
		scene.problem("%d lines of inboxes are wrong in the end: %s", len(r.Inboxes), r.Inboxes[0])
	}
	r.Gaps, gaps = scene.total(ctx, peer.RealtimeService, "confab_gaps_total", "")
	r.Announced, announced = scene.total(ctx, peer.MessageService, "confab_announcements_retried_total", "")
	return errors.Join(inboxes, gaps, announced)
}

// problem notes what fails the scenario.
func (s *Scene) problem(format string, args ...any) {
	s.report.Problems = append(s.report.Problems, fmt.Sprintf(format, args...))
}

// Quantile returns the q-th of sorted times, 0 of none.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}
