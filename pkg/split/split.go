// Package split joins a service that runs by itself to the others: Redis, their internal addresses, the shared key.
package split

import (
	"flag"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/ratelimit"
	"github.com/confab-chat/confab/pkg/server"
)

// Config is where the others are.
type Config struct {
	RedisURL        config.Secret
	ServiceKeys     config.Secret
	AuthURL         string
	ConversationURL string
	MessageURL      string
}

// RegisterFlags declares the flags.
func (c *Config) RegisterFlags(fs *flag.FlagSet) {
	c.RedisURL = "redis://127.0.0.1:6379"
	fs.Var(&c.RedisURL, "redis-url", "`URL` of Redis, may hold a password; of a cluster: redis+cluster://HOST:PORT?addr=HOST:PORT, by one or more of its nodes")
	fs.Var(&c.ServiceKeys, "service-keys", "`secrets` that the services share, separated by commas: the first signs, all verify")
	fs.StringVar(&c.AuthURL, "auth-url", "http://127.0.0.1:3101", "internal `URL` of auth-svc")
	fs.StringVar(&c.ConversationURL, "conversation-url", "http://127.0.0.1:3102", "internal `URL` of conversation-svc")
	fs.StringVar(&c.MessageURL, "message-url", "http://127.0.0.1:3103", "internal `URL` of message-svc")
}

// Connect completes the Env. It returns an error where a secret or URL is wrong; it does not wait for anybody.
func (c *Config) Connect(env server.Env) (server.Env, error) {
	keys, err := peer.ParseKeys(c.ServiceKeys)
	if err != nil {
		return env, err
	}
	redis, err := broker.Dial(string(c.RedisURL))
	if err != nil {
		return env, err
	}
	env.Registerer.MustRegister(newRedisPools(redis))
	env.ServiceKeys = keys
	env.Broker = broker.NewRedis(redis, env.Log, env.Registerer)
	env.Limiter = ratelimit.NewRedis(redis)
	env.Peers = &peer.Peers{
		Auth:          peer.NewAuth(c.AuthURL, keys),
		Conversations: peer.NewConversations(c.ConversationURL, keys),
		Messages:      peer.NewMessages(c.MessageURL, keys),
	}
	return env, nil
}
