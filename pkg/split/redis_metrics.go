package split

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

var (
	redisConnections = prometheus.NewDesc("confab_redis_connections",
		"Connections to Redis: open, and those of them in_use by a command. Subscriptions have others, which are not counted.",
		[]string{"state"}, nil)
	redisWaitsFailed = prometheus.NewDesc("confab_redis_connection_waits_failed_total",
		"Times that a try of a command got no connection to Redis within the pool's timeout. One whose own deadline came first is not counted.",
		nil, nil)
)

// redisPools tells of a client's connections. It has one pool of them to each server, and one for pipelines, which nothing here sends.
type redisPools struct {
	mu      sync.Mutex
	servers []*redis.Client
}

// newRedisPools is for a client that has not been used yet.
func newRedisPools(client redis.UniversalClient) *redisPools {
	var p redisPools
	switch client := client.(type) {
	case *redis.Client:
		p.add(client)
	case *redis.ClusterClient:
		client.OnNewNode(p.add) // its own PoolStats asks the cluster for its nodes first, and would hold a scrape while they are silent
	}
	return &p
}

// add never forgets a server, as the failed waits of one that left the cluster stay counted.
func (p *redisPools) add(server *redis.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.servers = append(p.servers, server)
}

// Describe is a prometheus.Collector's.
func (p *redisPools) Describe(descs chan<- *prometheus.Desc) {
	descs <- redisConnections
	descs <- redisWaitsFailed
}

// Collect is a prometheus.Collector's.
func (p *redisPools) Collect(metrics chan<- prometheus.Metric) {
	p.mu.Lock()
	servers := p.servers // only ever appended to
	p.mu.Unlock()
	var open, inUse, failed float64
	for _, server := range servers {
		stats := server.PoolStats()
		total, idle := float64(stats.TotalConns), float64(stats.IdleConns)
		open += total
		inUse += max(total-idle, 0) // the two are not of one moment
		failed += float64(stats.Timeouts)
	}
	metrics <- prometheus.MustNewConstMetric(redisConnections, prometheus.GaugeValue, open, "open")
	metrics <- prometheus.MustNewConstMetric(redisConnections, prometheus.GaugeValue, inUse, "in_use")
	metrics <- prometheus.MustNewConstMetric(redisWaitsFailed, prometheus.CounterValue, failed)
}
