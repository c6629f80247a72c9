// Command realtime-svc runs realtime-svc by itself, over Redis.
package main

import (
	"context"
	"time"

	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/split"
	realtime "github.com/confab-chat/confab/realtime-svc"
)

func main() {
	cfg := realtime.Config{Drain: 20 * time.Second, MaxConnectionAge: time.Hour, ConnectRate: 500}
	split.Main("realtime-svc", "holds the sockets, and brings them what happens in their conversations.",
		server.Config{HTTPAddr: ":3004", InternalAddr: ":3104", AdminAddr: "127.0.0.1:3204"},
		cfg.RegisterFlags,
		func(ctx context.Context, env server.Env) (server.App, error) {
			return realtime.New(ctx, cfg, env)
		})
}
