package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// program is a command of the repository.
type program struct {
	name, module string
	args         []string // that it is started with where nobody says otherwise
}

var programs = []program{
	{name: "auth-svc", module: "auth-svc"},
	{name: "confab", module: "allinone"},
	{name: "conversation-svc", module: "conversation-svc"},
	{name: "message-svc", module: "message-svc"},
	// Stands in for MongoDB in tests where that is not to be had. It forgets all when it ends.
	{name: "mongotestserver", module: "tools/mongotestserver", args: []string{"-alone", "-addr", ":27017"}},
	{name: "reach", module: "e2e"}, // for e2e-k8s
	{name: "realtime-svc", module: "realtime-svc"},
	{name: "web", module: "web"},
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
