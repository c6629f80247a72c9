package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// program is a command of the repository.
type program struct{ name, module string }

var programs = []program{
	{"auth-svc", "auth-svc"},
	{"confab", "allinone"},
	{"conversation-svc", "conversation-svc"},
	{"message-svc", "message-svc"},
	{"mongotestserver", "tools/mongotestserver"}, // stands in for MongoDB where that is not to be had; of no use to keep data
	{"realtime-svc", "realtime-svc"},
	{"web", "web"},
}

func names() []string {
	all := make([]string, len(programs))
	for i, p := range programs {
		all[i] = p.name
	}
	return all
}

// build builds the program as the Dockerfile does: outside the workspace a module brings what it needs and nothing else.
func (c config) build(ctx context.Context, p program, to string) error {
	command := "./cmd/" + p.name
	if p.name == "mongotestserver" {
		command = "."
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", c.ldflags(), "-o", to, command) //nolint:gosec // all of it is the caller's
	cmd.Dir = filepath.Join(c.source, p.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOOS=linux", "GOARCH="+c.arch, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (c config) ldflags() string {
	return "-s -w -X github.com/confab-chat/confab/pkg/server.Version=" + c.version
}
