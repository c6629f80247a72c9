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
	"time"

	"github.com/confab-chat/confab/e2e/chaos"
	"github.com/confab-chat/confab/e2e/split"
)

func main() {
	only := flag.String("only", "", "run the scenarios whose name holds `text`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "confab-chaos:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	bin, err := split.Build(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "confab-chaos-")
	if err != nil {
		return err
	}
	var errs []error
	for i, s := range chaos.Scenarios {
		if !strings.Contains(s.Name, only) {
			continue
		}
		report, err := s.Run(ctx, bin, filepath.Join(dir, fmt.Sprint(i)))
		if report != nil {
			show(report)
			if !report.OK() || len(report.Problems) > 0 {
				err = errors.Join(err, errors.New("something was lost, doubled or reordered"))
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, err))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w\nlogs are in %s", errors.Join(errs...), dir)
	}
	return os.RemoveAll(dir)
}

func show(r *chaos.Report) {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1000) }
	fmt.Printf("\n%s\n", r.Scenario)
	fmt.Printf("  fault                 %s\n", r.Did)
	fmt.Printf("  acknowledged          %d messages in %.0f s; %d deliveries, %.0f/s\n", r.Acked, r.Writing.Seconds(), r.Deliveries,
		float64(r.Deliveries)/r.Writing.Seconds())
	fmt.Printf("  sends over HTTP       p50 %s, p99 %s, max %s; %d sends over sockets written again\n", ms(chaos.Quantile(r.Sends, .5)),
		ms(chaos.Quantile(r.Sends, .99)), ms(chaos.Quantile(r.Sends, 1)), r.Resent)
	fmt.Printf("  close to rejoin       %d sockets; p50 %s, p99 %s, max %s\n", r.SocketsCut, ms(chaos.Quantile(r.Rejoins, .5)),
		ms(chaos.Quantile(r.Rejoins, .99)), ms(chaos.Quantile(r.Rejoins, 1)))
	fmt.Printf("  slowest delivery      %.1f s after its answer; the last one %.1f s\n", r.Slowest.Seconds(), r.Settled.Seconds())
	fmt.Printf("  raw / behind client   lost %d/%d, doubled %d/%d, reordered %d/%d\n", r.Lost.Raw, r.Lost.Client, r.Doubled.Raw, r.Doubled.Client,
		r.Reordered.Raw, r.Reordered.Client)
	fmt.Printf("  besides               differing %d, invented %d, dropped by the client %d, out of turn %d, resyncs %d\n", r.Differing, r.Invented,
		r.Dropped, r.OutOfTurn, r.Resyncs)
	for _, p := range r.Problems {
		fmt.Println("  !", p)
	}
}
