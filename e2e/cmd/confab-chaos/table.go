package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/confab-chat/confab/e2e/chaos"
)

// The tables are Markdown, as docs/reliability.md shows them.
const (
	head = `
| scenario | what the fault did | acknowledged | delivered | lost | doubled | reordered | slowest delivery | sockets cut, rejoined p99 | sent again | gaps healed | announced again | sends p99 |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
`
	unguardedHead = `
| without | scenario | what the fault did | lost | doubled | reordered | slowest delivery | the first problem |
|---|---|---|---|---|---|---|---|
`
)

func row(r *chaos.Report) string {
	rejoined := "0"
	if r.SocketsCut > 0 {
		rejoined = fmt.Sprintf("%d, %s", r.SocketsCut, milliseconds(chaos.Quantile(r.Rejoins, .99)))
	}
	return fmt.Sprintf("| %s | %s | %d in %.0f s | %d | %s | %.1f s | %s | %d | %d | %d | %s |",
		r.Scenario, r.Did, r.Acknowledged, r.Writing.Seconds(), r.Deliveries, counts(r), r.Slowest.Seconds(), rejoined, r.Again, r.Gaps, r.Announced,
		milliseconds(chaos.Quantile(r.Sends, .99)))
}

func unguardedRow(r *chaos.Report) string {
	return fmt.Sprintf("| %s | %s | %s | %s | %.1f s | %s |", r.Without, r.Scenario, r.Did, counts(r), r.Slowest.Seconds(),
		strings.Join(r.Problems[:min(1, len(r.Problems))], ""))
}

// counts are those on the raw frames, and those behind the client.
func counts(r *chaos.Report) string {
	return fmt.Sprintf("%d/%d | %d/%d | %d/%d", r.Lost.Raw, r.Lost.Client, r.Doubled.Raw, r.Doubled.Client, r.Reordered.Raw, r.Reordered.Client)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1000)
}

// wrong says what must not have happened.
func wrong(r *chaos.Report) error {
	if r.OK() {
		return nil
	}
	return fmt.Errorf("differing %d, invented %d, sparse %d, stale %d, dropped by the client %d, out of turn %d, wrong inboxes %d: %s", r.Differing,
		r.Invented, r.Sparse, r.Stale, r.Dropped, r.OutOfTurn, len(r.Inboxes), strings.Join(r.Problems, "; "))
}

// unmissed says that a guard does nothing, as far as its scenario shows.
func unmissed(r *chaos.Report) error {
	if !r.Missed {
		return errors.New("nothing is missed without the guard")
	}
	return nil
}
