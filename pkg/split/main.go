package split

import (
	"context"
	"flag"

	"github.com/confab-chat/confab/pkg/server"
)

// Main runs a service by itself until it is told to stop, then exits. The Config holds the addresses' defaults.
func Main(name, about string, c server.Config, registerFlags func(*flag.FlagSet), newApp func(context.Context, server.Env) (server.App, error)) {
	var others Config
	server.Main(server.Program{
		Name:   name,
		About:  about,
		Config: c,
		RegisterFlags: func(fs *flag.FlagSet) {
			registerFlags(fs)
			others.RegisterFlags(fs)
		},
		New: func(ctx context.Context, env server.Env) (server.App, error) {
			env, err := others.Connect(env)
			if err != nil {
				return nil, err
			}
			return newApp(ctx, env)
		},
	})
}
