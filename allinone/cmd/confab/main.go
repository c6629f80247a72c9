// Command confab runs all of Confab in one process, backs up or restores its data, and chats from a terminal.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/confab-chat/confab/allinone"
	"github.com/confab-chat/confab/pkg/server"
	realtime "github.com/confab-chat/confab/realtime-svc"
)

func main() {
	if len(os.Args) > 1 && allinone.IsCommand(os.Args[1]) {
		os.Exit(allinone.RunCommand(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	cfg := allinone.Config{Realtime: realtime.Config{ConnectRate: 500}}
	server.Main(server.Program{
		Name:          "confab",
		About:         "is all of Confab in one process.",
		Config:        server.Config{HTTPAddr: ":3000", AdminAddr: "127.0.0.1:3200"},
		RegisterFlags: func(fs *flag.FlagSet) { cfg.RegisterFlags(fs) },
		New: func(ctx context.Context, env server.Env) (server.App, error) {
			return allinone.New(ctx, cfg, env)
		},
		Greeting: allinone.Greeting,
		Usage:    allinone.CommandsUsage,
	})
}
