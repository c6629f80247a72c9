// Command auth-svc runs auth-svc by itself, over MongoDB and Redis.
package main

import (
	"context"
	"flag"

	auth "github.com/confab-chat/confab/auth-svc"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/split"
)

func main() {
	var cfg auth.Config
	split.Main("auth-svc", "holds users, sessions and the keys that sign their tokens.",
		server.Config{HTTPAddr: ":3001", InternalAddr: ":3101", AdminAddr: "127.0.0.1:3201"},
		func(fs *flag.FlagSet) {
			cfg.RegisterFlags(fs)
			cfg.RegisterMongoFlags(fs)
		},
		func(ctx context.Context, env server.Env) (server.App, error) {
			return auth.New(ctx, cfg, auth.Deps{Env: env})
		})
}
