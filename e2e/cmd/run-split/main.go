// Command run-split runs Confab as it is deployed, on this machine: replicas of each service over MongoDB and Redis, one port in front.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/config"
)

func main() {
	var o split.Options
	var mongoURI config.Secret
	fs := flag.NewFlagSet("run-split", flag.ContinueOnError)
	fs.SetOutput(os.Stdout)
	fs.StringVar(&o.Bin, "bin", "bin", "`directory` of the programs")
	fs.StringVar(&o.HTTPAddr, "http-addr", ":3000", "`address` of the one port in front")
	fs.IntVar(&o.Replicas, "replicas", 2, "`number` of replicas of each service")
	fs.Var(&mongoURI, "mongo-uri", "`URI` of a MongoDB; without one a stand-in is started, which is slow and forgets everything at the end")
	fs.StringVar(&o.Dir, "dir", "", "`directory` of logs and mails; empty: a temporary one")
	switch err := config.Parse(fs, os.Args[1:], os.Getenv); {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "run-split: %v\nTry run-split -h.\n", err)
		os.Exit(2)
	}
	o.MongoURI = string(mongoURI)
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "run-split:", err)
		os.Exit(1)
	}
}

func run(o split.Options) error {
	if o.Replicas < 1 {
		return fmt.Errorf("-replicas is %d, want 1 or more", o.Replicas)
	}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "confab-split-")
		if err != nil {
			return err
		}
		o.Dir = dir
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	started := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			signals <- s // for what follows
			cancel()
		case <-started:
		}
	}()
	d, err := split.Start(ctx, o)
	close(started)
	if err != nil {
		return err
	}
	greet(d, o.Dir)
	for {
		select {
		case err := <-d.Dead:
			fmt.Println(err)
		case <-signals:
			return stop(d, signals)
		}
	}
}

// greet says where everything is.
func greet(d *split.Deployment, dir string) {
	fmt.Printf("\nConfab runs at %s, its logs and mails are in %s\n\n", d.URL, dir)
	fmt.Printf("  %-20s %7s  %-16s %-24s %s\n", "process", "pid", "listens at", "log", "metrics and health at")
	for _, p := range d.Processes() {
		fmt.Printf("  %-20s %7d  %-16s %-24s %s\n", p, p.PID(), p.Addr, filepath.Base(p.LogFile), p.AdminURL)
	}
	fmt.Print("\nCtrl-C stops all, in order.\n\n")
}

func stop(d *split.Deployment, signals <-chan os.Signal) error {
	fmt.Println("\nStopping, at most a minute. Another Ctrl-C kills all at once.")
	go func() {
		<-signals
		fmt.Println("Killing.")
		d.KillAll()
	}()
	if err := d.Close(); err != nil {
		return err
	}
	fmt.Println("All stopped.")
	return nil
}
