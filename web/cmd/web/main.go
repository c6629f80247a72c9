// Command web serves the pages, and passes everything else on to the services: the one port in front of a deployment.
package main

import (
	"context"

	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/web"
)

func main() {
	var cfg web.Config
	server.Main(server.Program{
		Name:          "web",
		About:         "is the one port in front of the services: it serves the pages, and passes requests and sockets on.",
		Config:        server.Config{HTTPAddr: ":3000", AdminAddr: "127.0.0.1:3200"},
		RegisterFlags: cfg.RegisterFlags,
		New:           func(_ context.Context, env server.Env) (server.App, error) { return web.New(cfg, env) },
	})
}
