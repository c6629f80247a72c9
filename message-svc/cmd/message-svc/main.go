// Command message-svc runs message-svc by itself, over MongoDB and Redis.
package main

import (
	"context"
	"flag"

	message "github.com/confab-chat/confab/message-svc"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/split"
)

func main() {
	var cfg message.Config
	split.Main("message-svc", "holds messages, their order, edits and deletions.",
		server.Config{HTTPAddr: ":3003", InternalAddr: ":3103", AdminAddr: "127.0.0.1:3203"},
		func(fs *flag.FlagSet) {
			cfg.RegisterFlags(fs)
			cfg.RegisterMongoFlags(fs)
		},
		func(ctx context.Context, env server.Env) (server.App, error) {
			return message.New(ctx, cfg, message.Deps{Env: env})
		})
}
