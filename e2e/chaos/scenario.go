// Package chaos breaks a deployment of real processes while readers and writers use it through pkg/client, and counts what was lost,
// doubled or out of order: on the raw frames of each connection, and behind the client.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
)

// Scenario is a load and a fault.
type Scenario struct {
	Name  string
	Load  Load
	Flags map[string][]string // by service, beside those of Run
	// Fault does its damage, returns once that is over, and says what it did. It is an error where nothing was touched.
	Fault func(ctx context.Context, s *Scene) (string, error)
}

// Scene is what a fault may touch.
type Scene struct {
	*split.Deployment
	crew *crew
}

// Report is how a scenario went.
type Report struct {
	Scenario string
	Verdict
	Did        string          // the fault
	Writing    time.Duration   // how long
	Settled    time.Duration   // from the last 201 to the last reader
	Rejoins    []time.Duration // sorted
	Sends      []time.Duration // sorted: of writers over HTTP, from the request to its 201, tries included
	Resent     int64           // over sockets
	SocketsCut int
}

const (
	calmBefore = 5 * time.Second
	calmAfter  = 5 * time.Second
)

// Run runs the scenario on a deployment of its own. The error is of what could not be run, or of a reader or writer that gave up.
func (s *Scenario) Run(ctx context.Context, bin, dir string) (r *Report, err error) {
	flags := map[string][]string{
		peer.AuthService:         {"-register-rate", "0", "-login-rate", "0"},
		peer.ConversationService: {"-start-limit", "0"},
	}
	for service, more := range s.Flags {
		flags[service] = append(flags[service], more...)
	}
	d, err := split.Start(ctx, split.Options{Bin: bin, Dir: dir, Flags: flags})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	c, err := muster(ctx, d.URL, s.Load)
	if err != nil {
		return nil, err
	}
	r = &Report{Scenario: s.Name}
	fault := s.perform(ctx, &Scene{d, c}, r)
	took, settled := c.settle(ctx)
	if r.Settled = took; !settled {
		r.problem("not every reader had the last message %v after it", r.Settled)
	}
	c.judge(&r.Verdict)
	r.Rejoins, r.Sends = c.rejoins(), c.waits
	slices.Sort(r.Rejoins)
	slices.Sort(r.Sends)
	r.SocketsCut = len(r.Rejoins)
	failed := c.dismiss()
	r.Resent = c.resent
	return r, errors.Join(fault, failed)
}

// perform lets the writers write before, during and after the fault.
func (s *Scenario) perform(ctx context.Context, scene *Scene, r *Report) error {
	writing, stop := context.WithCancel(ctx)
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
	r.Did = did
	time.Sleep(calmAfter)
	stop()
	<-written
	r.Writing = time.Since(begin)
	return err
}

// Quantile returns the q-th of sorted times, 0 of none.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}
