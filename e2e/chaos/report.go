package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/confab-chat/confab/e2e/checker"
	"github.com/confab-chat/confab/pkg/guard"
	"github.com/confab-chat/confab/pkg/peer"
)

// Report is how a scenario went.
type Report struct {
	Scenario string
	Without  guard.Guard // empty: none was off
	checker.Verdict
	Inboxes    []string        // what was wrong in them, in the end
	Quiet      int             // how many of these were in quiet rooms
	Did        string          // the fault
	Writing    time.Duration   // how long
	Rejoins    []time.Duration // sorted
	Sends      []time.Duration // sorted: of writers over HTTP, from the request to its 201, tries included
	Again      int64           // tries of writers that were not the first
	Most       int64           // tries of one send over HTTP
	SocketsCut int
	Gaps       int64 // that the gateways had to close, as far as these live
	Announced  int64 // tries to announce an event that Redis did not take, of message-svcs that live
	Replayed   int64 // events that came from the database for sockets that joined again, of gateways that live
	Missed     bool  // the guard that was off is: what it is there to prevent has happened
}

// OK reports whether nothing happened that must not.
func (r *Report) OK() bool { return r.Verdict.OK() && len(r.Inboxes) == 0 && len(r.Problems) == 0 }

const tokensLast = 13 * time.Minute // after which clients renew them by themselves

// judge waits until all is told, and fills the report but for what metrics say.
func (s *Scenario) judge(ctx context.Context, scene *Scene) error {
	r, c := scene.report, scene.crew
	took, settled := c.settle()
	if !settled {
		scene.problem("not every reader had the last change %v after it", took)
	}
	judged := c.judge(ctx, &r.Verdict)
	if s.Within > 0 && r.Slowest > s.Within {
		scene.problem("a change took %.1f s to its last reader, above %v", r.Slowest.Seconds(), s.Within)
	}
	if n := c.renewed.Load(); n > 0 && r.Writing < tokensLast {
		scene.problem("%d times a user had to renew her token, long before its time", n)
	}
	r.Rejoins, r.Sends, r.Most = c.rejoins(), c.waits, c.most
	slices.Sort(r.Rejoins)
	slices.Sort(r.Sends)
	r.SocketsCut = len(r.Rejoins)
	wrong, inboxes := c.inboxes(ctx)
	for _, l := range wrong {
		r.Inboxes = append(r.Inboxes, l.what)
		if slices.Contains(c.quiet, l.room) {
			r.Quiet++
		}
	}
	if len(r.Inboxes) > 0 {
		scene.problem("%d lines of inboxes are wrong in the end: %s", len(r.Inboxes), r.Inboxes[0])
	}
	return errors.Join(judged, inboxes)
}

// conclude is judge, and reads the metrics.
func (s *Scenario) conclude(ctx context.Context, scene *Scene) error {
	r, judged := scene.report, s.judge(ctx, scene)
	var gaps, announced, replayed error
	r.Gaps, gaps = scene.total(ctx, peer.RealtimeService, "confab_gaps_total", "")
	r.Announced, announced = scene.total(ctx, peer.MessageService, "confab_announcements_retried_total", "")
	r.Replayed, replayed = scene.total(ctx, peer.RealtimeService, "confab_replayed_events_total", `from="messages"`)
	r.Missed = s.symptom != nil && s.symptom(r)
	return errors.Join(judged, gaps, announced, replayed)
}

// dismiss ends all sockets, and notes who had given up before.
func (s *Scene) dismiss() {
	s.crew.dismiss()
	if failed := s.crew.failed; len(failed) > 0 {
		s.problem("%d readers or writers gave up, one with: %v", len(failed), failed[0])
	}
	s.report.Again = s.crew.resent + s.crew.tries.again()
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
