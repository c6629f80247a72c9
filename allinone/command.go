package allinone

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/confab-chat/confab/allinone/check"
	"github.com/confab-chat/confab/allinone/terminal"
	"github.com/confab-chat/confab/pkg/config"
)

// CommandsUsage is what -h says of the commands.
const CommandsUsage = `
Commands, each with a -h of its own:
  confab backup FILE    copy the data to FILE, while confab runs or not
  confab restore FILE   fill an empty data directory from FILE, while confab is stopped
  confab chat           chat from this terminal
  confab check          find out whether a deployment brings a message to whom it is for
`

// IsCommand reports whether an argument names a command.
func IsCommand(name string) bool {
	return slices.Contains([]string{"backup", "restore", "chat", "check"}, name)
}

// RunCommand runs a command and returns the exit code: 0 done, 1 failed, 2 called wrongly.
func RunCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	switch args[0] {
	case "chat":
		return terminal.Command(ctx, args[1:], os.Stdin, stdout, stderr)
	case "check":
		return check.Command(ctx, args[1:], stdout, stderr)
	}
	fs := flag.NewFlagSet("confab "+args[0], flag.ContinueOnError)
	fs.SetOutput(stdout)
	var dir string
	registerDataDir(fs, &dir)
	file, err := config.ParseWithArgument(fs, "FILE", args[1:], os.Getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "%s: %v\n", fs.Name(), err)
		return 2
	}
	done := "Backed up " + dir + " to " + file
	if args[0] == "backup" {
		err = Backup(ctx, dir, file)
	} else {
		err = Restore(file, dir)
		done = "Restored " + dir + " from " + file
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", fs.Name(), err)
		return 1
	}
	fmt.Fprintln(stdout, done)
	return 0
}

// Greeting says what to try next, once the server listens on address. It names the program as it was started.
func Greeting(address string) string {
	return `
  Confab is running on http://` + address + `

  Sign up:   curl -s http://` + address + `/v1/auth/register -H 'Content-Type: application/json' \
               -d '{"email":"you@example.com","password":"correct horse","first_name":"You","last_name":"There"}'
  Chat:      ` + os.Args[0] + ` chat -url http://` + address + `
  Next:      README.md walks two people through a chat; docs/api/openapi.yaml lists every route.
  Stop:      Ctrl-C
`
}
