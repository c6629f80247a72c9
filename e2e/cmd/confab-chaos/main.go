// Command confab-chaos breaks deployments of real processes under load, and prints what was lost, doubled or reordered: docs/reliability.md
// explains its table. It exits with 1 where anything was.
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
	seed := flag.Uint64("seed", 1, "`number` that the writers' dice start from")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *only, *seed)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "confab-chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, seed uint64) error {
	bin, err := split.Build(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "confab-chaos-")
	if err != nil {
		return err
	}
	var errs []error
	fmt.Println(head)
	for i, s := range chaos.Scenarios {
		if !strings.Contains(s.Name, only) || ctx.Err() != nil {
			continue
		}
		report, err := s.Run(ctx, bin, filepath.Join(dir, fmt.Sprint(i)), seed)
		if report != nil {
			fmt.Println(row(report))
			err = errors.Join(err, wrong(report))
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", s.Name, err)
			fmt.Fprintln(os.Stderr, "  !", err)
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%d scenarios failed; logs are in %s", len(errs), dir)
	}
	return os.RemoveAll(dir)
}
