package redistest

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// slots is how many a cluster has.
const slots = 16384

// Cluster is three masters without replicas that share the slots evenly, in order.
type Cluster [3]*Server

// StartCluster runs an empty cluster until the test ends. It takes about three seconds: a node waits two before it serves.
func StartCluster(t testing.TB) Cluster {
	t.Helper()
	var cluster Cluster
	var busPorts [len(cluster)]string
	for i := range cluster {
		cluster[i] = start(t, func(string) []string {
			_, busPorts[i], _ = net.SplitHostPort(freeAddress(t)) // the default, port+10000, need not be free, nor below 65536
			return []string{
				"--cluster-enabled", "yes", "--cluster-port", busPorts[i], "--cluster-node-timeout", "5000",
				"--cluster-require-full-coverage", "no",
			}
		})
	}
	for i, s := range cluster {
		first, last := i*slots/len(cluster), (i+1)*slots/len(cluster)-1
		s.Do(t, "CLUSTER", "ADDSLOTSRANGE", first, last)
		s.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", i+1) // else they would collide, and take their time to differ
	}
	for i, s := range cluster {
		for j, other := range cluster[:i] {
			host, port, _ := net.SplitHostPort(other.Addr) // start gave it
			s.Do(t, "CLUSTER", "MEET", host, port, busPorts[j])
		}
	}
	for _, s := range cluster {
		s.awaitCluster(t, len(cluster))
	}
	return cluster
}

// URL returns what broker.Dial takes.
func (c Cluster) URL() string {
	return "redis+cluster://" + c[0].Addr + "?addr=" + c[1].Addr + "&addr=" + c[2].Addr
}

// Do sends a command to the server, whichever node of a cluster it is about, and returns the answer.
func (s *Server) Do(t testing.TB, args ...any) any {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: s.Addr})
	defer client.Close()
	answer, err := client.Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatalf("%v at %s: %v", args, s.Addr, err)
	}
	return answer
}

// awaitCluster waits until the node knows the others, and that every slot is served.
func (s *Server) awaitCluster(t testing.TB, nodes int) {
	t.Helper()
	var info string
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		info, _ = s.Do(t, "CLUSTER", "INFO").(string)
		known, _ := s.Do(t, "CLUSTER", "NODES").(string)
		if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_slots_ok:16384") &&
			strings.Count(known, " connected ") == nodes && !strings.Contains(known, "handshake") {
			return
		}
	}
	t.Fatalf("the cluster does not come up: %s says\n%s", s.Addr, info)
}
