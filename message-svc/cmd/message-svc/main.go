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
	var others split.Config
	server.Main(server.Program{
		Name:   "message-svc",
		Config: server.Config{HTTPAddr: ":3003", InternalAddr: ":3103", AdminAddr: "127.0.0.1:3203"},
		RegisterFlags: func(fs *flag.FlagSet) {
			cfg.RegisterFlags(fs)
			cfg.RegisterMongoFlags(fs)
			others.RegisterFlags(fs)
		},
		New: func(ctx context.Context, env server.Env) (server.App, error) {
			env, err := others.Connect(env)
			if err != nil {
				return nil, err
			}
			return message.New(ctx, cfg, message.Deps{Env: env})
		},
	})
}
