package split

import (
	"context"
	"flag"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"

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
			redis.SetLogger(redisLog{env.Log})
			env, err := others.Connect(env)
			if err != nil {
				return nil, err
			}
			return newApp(ctx, env)
		},
	})
}

// redisLog has go-redis, which writes lines of its own, log as everything else does. There is one for the process.
type redisLog struct{ log *slog.Logger }

// Printf takes what go-redis could not do, as it says it.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.WarnContext(ctx, "redis client in trouble", "error", fmt.Sprintf(format, args...))
}
