package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/confab-chat/confab/e2e/chaos"
)

// The table is Markdown, as docs/reliability.md shows it.
const head = `| scenario | what the fault did | acknowledged | delivered | lost | doubled | reordered | slowest delivery | all caught up | sockets cut, rejoined p99 | sent again | sends p99 |
|---|---|---|---|---|---|---|---|---|---|---|---|`

func row(r *chaos.Report) string {
	rejoined := "0"
	if r.SocketsCut > 0 {
		rejoined = fmt.Sprintf("%d, %s", r.SocketsCut, milliseconds(chaos.Quantile(r.Rejoins, .99)))
	}
	return fmt.Sprintf("| %s | %s | %d in %.0f s | %d | %d/%d | %d/%d | %d/%d | %.1f s | %.1f s | %s | %d | %s |",
		r.Scenario, r.Did, r.Acknowledged, r.Writing.Seconds(), r.Deliveries,
		r.Lost.Raw, r.Lost.Client, r.Doubled.Raw, r.Doubled.Client, r.Reordered.Raw, r.Reordered.Client,
		r.Slowest.Seconds(), r.CaughtUp.Seconds(), rejoined, r.Resent, milliseconds(chaos.Quantile(r.Sends, .99)))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1000)
}

// wrong says what must not have happened.
func wrong(r *chaos.Report) error {
	if r.OK() {
		return nil
	}
	return fmt.Errorf("differing %d, invented %d, sparse %d, stale %d, dropped by the client %d, out of turn %d: %s", r.Differing, r.Invented,
		r.Sparse, r.Stale, r.Dropped, r.OutOfTurn, strings.Join(append(r.Problems, r.Inboxes[:min(3, len(r.Inboxes))]...), "; "))
}
