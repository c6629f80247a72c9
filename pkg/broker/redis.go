package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Redis is the broker of many replicas: one server, or a cluster, where every channel is a sharded one.
type Redis struct {
	client     redis.UniversalClient
	cluster    *redis.ClusterClient // nil: one server
	verbs      verbs
	probeEvery time.Duration
	troubles   troubles
	timeouts   prometheus.Counter // of probes
}

// verbs are the commands of pub/sub. Redis confirms a subscription by the command's own name.
type verbs struct{ publish, subscribe, unsubscribe, message string }

// Dial returns a client for a redis:// or rediss:// URL, or for a cluster's redis+cluster:// or rediss+cluster:// URL, which may name
// further nodes to ask at first: ?addr=host:port&addr=host:port. It returns an error where the URL is wrong; it does not connect yet.
func Dial(redisURL string) (redis.UniversalClient, error) {
	scheme, rest, _ := strings.Cut(redisURL, "+cluster://")
	if scheme == "redis" || scheme == "rediss" {
		options, err := redis.ParseClusterURL(scheme + "://" + rest)
		if err != nil {
			return nil, wrongURL(err)
		}
		options.DialTimeout, options.ContextTimeoutEnabled = dialTimeout, true
		return redis.NewClusterClient(options), nil
	}
	options, err := redis.ParseURL(redisURL)
	if err != nil {
		return nil, wrongURL(err)
	}
	options.DialTimeout, options.ContextTimeoutEnabled = dialTimeout, true // else a silent Redis holds a call longer than its context
	return redis.NewClient(options), nil
}

const dialTimeout = 2 * time.Second

// wrongURL leaves out the URL, which may hold a password.
func wrongURL(err error) error {
	if wrong, ok := errors.AsType[*url.Error](err); ok {
		err = wrong.Err
	}
	return fmt.Errorf("-redis-url: %w", err)
}

// NewRedis returns a broker over the client, which stays the caller's to close. It logs why subscriptions fail, and counts those that fall silent.
func NewRedis(client redis.UniversalClient, log *slog.Logger, registerer prometheus.Registerer) *Redis {
	r := &Redis{
		client: client, verbs: verbs{"PUBLISH", "subscribe", "unsubscribe", "message"}, probeEvery: 5 * time.Second,
		troubles: troubles{log: log, at: map[string]trouble{}},
		timeouts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "confab_broker_probe_timeouts_total",
			Help: "Probes of subscriptions to Redis that did not come back in time: what was published did not arrive either, and the connection is made anew.",
		}),
	}
	registerer.MustRegister(r.timeouts)
	if cluster, ok := client.(*redis.ClusterClient); ok {
		r.cluster, r.verbs = cluster, verbs{"SPUBLISH", "ssubscribe", "sunsubscribe", "smessage"}
	}
	return r
}

// Publish returns Redis's error; nil does not say that anybody heard.
func (r *Redis) Publish(ctx context.Context, channel string, payload []byte) error {
	if r.cluster != nil {
		return r.cluster.SPublish(ctx, channel, payload).Err()
	}
	return r.client.Publish(ctx, channel, payload).Err()
}

// Trouble returns why subscriptions fail at this time. It does not ask Redis: their probes do, all the time.
func (r *Redis) Trouble() error { return r.troubles.latest() }

// node returns how to reach the server that has the channel, as far as is known.
func (r *Redis) node(ctx context.Context, channel string) (*redis.Options, error) {
	if r.cluster != nil {
		master, err := r.cluster.MasterForKey(ctx, channel)
		if err != nil {
			return nil, err
		}
		return master.Options(), nil
	}
	single, ok := r.client.(*redis.Client)
	if !ok {
		return nil, fmt.Errorf("a subscription over a %T", r.client)
	}
	return single.Options(), nil
}

// lookAgain asks the cluster anew which node has which slot. It does not wait for the answer.
func (r *Redis) lookAgain(ctx context.Context) {
	if r.cluster != nil {
		r.cluster.ReloadState(ctx)
	}
}
