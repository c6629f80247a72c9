// Command confab-chaos breaks deployments of real processes under load, and prints what was lost, doubled or reordered; then it switches off
// one guard after another, and prints what is lost without it. docs/reliability.md explains its tables. It exits with 1 where anything was
// lost, and where nothing was without a guard.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/confab-chat/confab/e2e/chaos"
	"github.com/confab-chat/confab/e2e/split"
)

func main() {
	only := flag.String("only", "", "run the scenarios whose name holds `text`")
	seed := flag.Uint64("seed", 1, "`number` that the dice start from: those of the writers, and of the order of mixed faults")
	churn := flag.Bool("churn", false, "have sockets come and go for ten minutes instead, and compare what the services hold at minute 3 and 10")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once, and its children with it
	err := run(ctx, *only, *seed, *churn)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "confab-chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, seed uint64, churn bool) error {
	dir, err := os.MkdirTemp("", "confab-chaos-")
	if err != nil {
		return err
	}
	r := runner{dir: dir, only: only, seed: seed, bins: map[split.Kind]string{}}
	for _, kind := range []split.Kind{split.Released, split.Chaotic} { // once: what is edited meanwhile is not measured
		if r.bins[kind], err = split.Build(ctx, kind); err != nil {
			return err
		}
	}
	if churn {
		r.run(ctx, []chaos.Scenario{chaos.Churn}, head, row, wrong)
	} else {
		r.run(ctx, chaos.Scenarios, head, row, wrong)
		r.run(ctx, chaos.Unguarded(), unguardedHead, unguardedRow, unmissed)
	}
	switch {
	case r.failed > 0:
		return fmt.Errorf("%d of %d scenarios failed; logs are in %s", r.failed, r.ran, dir)
	case r.ran == 0:
		return fmt.Errorf("no scenario's name holds %q", only)
	}
	return os.RemoveAll(dir)
}

type runner struct {
	dir, only   string
	seed        uint64
	bins        map[split.Kind]string
	ran, failed int
}

// run prints a table. verdict says what a report shows that must not be.
func (r *runner) run(ctx context.Context, scenarios []chaos.Scenario, head string, row func(*chaos.Report) string, verdict func(*chaos.Report) error) {
	for _, s := range scenarios {
		if !strings.Contains(s.Title(), r.only) || ctx.Err() != nil {
			continue
		}
		fmt.Print(head)
		head = ""
		r.ran++
		report, err := s.Run(ctx, r.bins[s.Kind], filepath.Join(r.dir, fmt.Sprint(r.ran)), r.seed)
		if report != nil {
			fmt.Println(row(report))
			err = errors.Join(err, verdict(report))
		}
		if err != nil {
			r.failed++
			fmt.Fprintf(os.Stderr, "  ! %s: %v\n", s.Title(), err)
		}
	}
}
