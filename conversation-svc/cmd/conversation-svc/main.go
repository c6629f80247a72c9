// Command conversation-svc serves conversations, their members and the inbox.
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
	var others split.Config
	server.Main(server.Program{
		Name:   "conversation-svc",
		Config: server.Config{HTTPAddr: ":3002", InternalAddr: ":3102", AdminAddr: "127.0.0.1:3202"},
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
			return conversation.New(ctx, cfg, conversation.Deps{Env: env})
		},
	})
}
