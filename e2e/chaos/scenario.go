// Package chaos breaks a deployment of real processes while readers and writers use it through pkg/client, and has package checker count
// what was lost, doubled or out of order: on the raw frames of each connection, and behind the client.
package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

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
	Longest time.Duration       // for all of it; 0: enough
	Flags   map[string][]string // by service, beside those of Run
	Proxied []Way               // have a proxy in them
	Lose    int64               // the n-th event that Redis tells a gateway is lost where that way is proxied; 0: none is
	Within  time.Duration       // after its answer each change has to be with all readers that are not slow; 0: arrivalWait
	Kind    split.Kind          // of the services
	Without guard.Guard         // is switched off, where Kind is split.Chaotic; empty: none is
	symptom func(*Report) bool  // what has to be seen where the guard is off
	// Fault does its damage, returns once that is over, and says what it did. It is an error where nothing was touched.
	Fault func(ctx context.Context, s *Scene) (string, error)
}

// Scene is what a fault may touch.
type Scene struct {
	*split.Deployment
	*network
	crew    *crew
	report  *Report
	changes int          // of the scenario
	moved   atomic.Int64 // nanoseconds: the clock of the first message-svc, from its next start on
}

const (
	calmBefore = 5 * time.Second
	calmAfter  = 5 * time.Second
	enough     = 11 * time.Minute
)

// Run runs the scenario on a deployment of its own, of programs that were built as its Kind says, with the dice of seed. The error is of what
// could not be run.
func (s *Scenario) Run(ctx context.Context, bin, dir string, seed uint64) (r *Report, err error) {
	scene := &Scene{network: newNetwork(s), changes: s.Changes, report: &Report{Scenario: s.Name, Without: s.Without}}
	defer scene.close()
	scene.Deployment, err = split.Start(ctx, split.Options{
		Bin: bin, Dir: dir, Flags: s.flags(), Between: scene.between, Env: func(p *split.Process) []string { return s.env(p, scene) },
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scene.Close()) }()
	if scene.crew, err = enlist(ctx, scene.URL, s.Load, seed); err != nil {
		return nil, err
	}
	if err := scene.warmUp(ctx); err != nil {
		return nil, err
	}
	before, err := scene.goroutines(ctx)
	if err != nil {
		return nil, err
	}
	if err = scene.crew.muster(ctx, scene.Process(peer.RealtimeService, 0).URL()); err == nil {
		err = errors.Join(s.perform(ctx, scene), s.conclude(ctx, scene))
	}
	scene.dismiss()
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
		peer.MessageService:      {"-send-rate", "0"},
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
	writing, stop := context.WithTimeout(ctx, cmp.Or(s.Longest, enough))
	defer stop()
	written := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(written)
		scene.crew.write(writing)
	}()
	time.Sleep(calmBefore)
	did, err := s.Fault(writing, scene)
	if err != nil {
		err = fmt.Errorf("the fault: %w", err)
	}
	scene.report.Did = did
	if scene.crew.promises.Asked() >= scene.crew.load.Most {
		scene.problem("the writers were through before the fault was")
	}
	time.Sleep(calmAfter)
	for scene.crew.promises.Asked() < s.Changes && writing.Err() == nil && err == nil {
		time.Sleep(arrivalPoll)
	}
	if n := scene.crew.promises.Asked(); n < s.Changes && err == nil {
		scene.problem("of %d changes %d could be written", s.Changes, n)
	}
	stop()
	<-written
	scene.report.Writing = time.Since(begin)
	scene.crew.hurry()
	return err
}
