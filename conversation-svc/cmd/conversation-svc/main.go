// Command conversation-svc runs conversation-svc by itself, over MongoDB and Redis.
package main

import (
	"context"
	"flag"

	conversation "github.com/confab-chat/confab/conversation-svc"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/split"
)

func main() {
	var cfg conversation.Config
	split.Main("conversation-svc", "holds conversations, their members, read positions and the inbox.",
		server.Config{HTTPAddr: ":3002", InternalAddr: ":3102", AdminAddr: "127.0.0.1:3202"},
		func(fs *flag.FlagSet) {
			cfg.RegisterFlags(fs)
			cfg.RegisterMongoFlags(fs)
		},
		func(ctx context.Context, env server.Env) (server.App, error) {
			return conversation.New(ctx, cfg, conversation.Deps{Env: env})
		})
}
