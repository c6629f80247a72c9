// Command confab-bench measures bin/confab on this machine: a process of its own, over HTTP, with nothing switched off but the
// rate limits. It prints a table that docs/benchmarks.md explains.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	binary := flag.String("confab", "bin/confab", "`program` to measure")
	seconds := flag.Int("seconds", 10, "`seconds` of each run of sends")
	messages := flag.Int("messages", 1_000_000, "`messages` in the long conversation, and in the many together")
	conversations := flag.Int("conversations", 10_000, "`conversations` of the busy member")
	only := flag.String("only", "", "run `sends`, reads, sockets or flood alone")
	flag.Parse()
	b := bench{binary: *binary, duration: time.Duration(*seconds) * time.Second, messages: *messages, conversations: *conversations}
	if err := b.run(*only); err != nil {
		fmt.Fprintln(os.Stderr, "confab-bench:", err)
		os.Exit(1)
	}
}

type bench struct {
	binary        string
	duration      time.Duration
	messages      int
	conversations int
}

func (b *bench) run(only string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"sends", b.sends}, {"reads", b.reads}, {"sockets", b.sockets}, {"flood", b.flood}} {
		if only != "" && only != part.name {
			continue
		}
		if err := part.run(ctx); err != nil {
			return err
		}
	}
	return nil
}
