// Package chaos breaks a deployment of real processes while readers and writers use it through pkg/client, and has package checker count
// what was lost, doubled or out of order: on the raw frames of each connection, and behind the client.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/confab-chat/confab/e2e/checker"
	"github.com/confab-chat/confab/e2e/split"
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
	// Fault does its damage, returns once that is over, and says what it did. It is an error where nothing was touched.
	Fault func(ctx context.Context, s *Scene) (string, error)
}

// Scene is what a fault may touch.
type Scene struct {
	*split.Deployment
	*network
	crew *crew
}

// Report is how a scenario went.
type Report struct {
	Scenario string
	checker.Verdict
	Inboxes    []string        // what was wrong in them, in the end
	Did        string          // the fault
	Writing    time.Duration   // how long
	CaughtUp   time.Duration   // from the last answer to the last reader
	Rejoins    []time.Duration // sorted
	Sends      []time.Duration // sorted: of writers over HTTP, from the request to its 201, tries included
	Resent     int64           // over sockets
	SocketsCut int
}

// OK reports whether nothing happened that must not.
func (r *Report) OK() bool { return r.Verdict.OK() && len(r.Inboxes) == 0 && len(r.Problems) == 0 }

const (
	calmBefore = 5 * time.Second
	calmAfter  = 5 * time.Second
	enough     = 5 * time.Minute // for all changes to be written
)

// Run runs the scenario on a deployment of its own, with the dice of seed. The error is of what could not be run, or of a reader or writer
// that gave up.
func (s *Scenario) Run(ctx context.Context, bin, dir string, seed uint64) (r *Report, err error) {
	n := newNetwork(s)
	defer n.close()
	d, err := split.Start(ctx, split.Options{Bin: bin, Dir: dir, Flags: s.flags(), Between: n.between})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	c, err := muster(ctx, d.URL, s.Load, seed)
	if err != nil {
		return nil, err
	}
	r = &Report{Scenario: s.Name}
	scene := &Scene{d, n, c}
	return r, errors.Join(s.perform(ctx, scene, r), r.conclude(ctx, c))
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
	return flags
}

// perform lets the writers write before, during and after the fault.
func (s *Scenario) perform(ctx context.Context, scene *Scene, r *Report) error {
	writing, stop := context.WithTimeout(ctx, enough)
	defer stop()
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
	for scene.crew.promises.Asked() < s.Changes && writing.Err() == nil && err == nil {
		time.Sleep(arrivalPoll)
	}
	stop()
	<-written
	r.Writing = time.Since(begin)
	return err
}

// conclude waits until all is told, and fills the report.
func (r *Report) conclude(ctx context.Context, c *crew) error {
	took, settled := c.settle()
	if r.CaughtUp = took; !settled {
		r.Problems = append(r.Problems, fmt.Sprintf("not every reader had the last change %v after it", took))
	}
	c.judge(&r.Verdict)
	wrong, err := c.inboxes(ctx)
	r.Inboxes = wrong
	r.Rejoins, r.Sends = c.rejoins(), c.waits
	slices.Sort(r.Rejoins)
	slices.Sort(r.Sends)
	r.SocketsCut = len(r.Rejoins)
	failed := c.dismiss()
	r.Resent = c.resent
	return errors.Join(err, failed)
}

// Quantile returns the q-th of sorted times, 0 of none.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}
