// Command mongotestserver is the stand-in for MongoDB in Confab's tests: FerretDB over SQLite behind the gate, for where
// no MongoDB can be installed. It prints one line, its mongodb:// URI, when it is ready. It stops, and removes its data,
// on SIGTERM, on SIGINT and, without -alone, when its standard input ends, so that it does not outlive the process that holds the other
// end of that pipe. Whoever starts it in the background of a script has to give it an input that stays open.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	// Whoever read our output may be gone before we are: that must not keep us from removing the data.
	signal.Ignore(syscall.SIGPIPE)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx is done or stdin ends, and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("mongotestserver", flag.ContinueOnError)
	flags.SetOutput(stderr)
	addr := flags.String("addr", "127.0.0.1:0", "address to listen on")
	alone := flags.Bool("alone", false, "go on when the standard input ends, as in a container")
	gated := flags.Bool("gate", true, "let one request through at a time; false shows what FerretDB does without")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(stderr, "mongotestserver: unexpected argument %q\n", flags.Arg(0))
		return 2
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !*alone {
		go func() {
			_, _ = io.Copy(io.Discard, stdin)
			cancel()
		}()
	}
	if err := serve(ctx, *addr, *gated, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "mongotestserver:", err)
		return 1
	}
	return 0
}
