package broker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/broker/brokertest"
	"github.com/confab-chat/confab/pkg/redistest"
)

func TestAClusterKeepsTheContract(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	client := dial(t, cluster.URL())
	brokertest.RunBroker(t, func(*testing.T) broker.Broker { return newRedis(client) })
	t.Run("its slots are ours", func(t *testing.T) {
		for _, key := range []string{"", "a", "confab:members", "confab:conv:{665f1c}", "confab:log:{665f1c}:messages", "{}a", "{a", "a}b{c}{d}", "ключ"} {
			if got, want := broker.SlotOf(key), cluster[0].Do(t, "CLUSTER", "KEYSLOT", key); int64(got) != want {
				t.Errorf("slot of %q is %d, want %d", key, got, want)
			}
		}
	})
}

// firstNodeSlots is the number of slots of the cluster's first node.
const firstNodeSlots = 16384 / 3

// inFirstNode returns channels in different slots of the cluster's first node.
func inFirstNode(n int) []string {
	var found []string
	for i := 0; len(found) < n; i++ {
		if channel := fmt.Sprintf("channel-%d", i); broker.SlotOf(channel) < firstNodeSlots {
			found = append(found, channel)
		}
	}
	return found
}

// move gives the channel's slot, which holds no keys, to another node.
func move(t *testing.T, cluster redistest.Cluster, channel string, from, to *redistest.Server) {
	t.Helper()
	slot := broker.SlotOf(channel)
	target := to.Do(t, "CLUSTER", "MYID")
	to.Do(t, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.Do(t, "CLUSTER", "MYID"))
	from.Do(t, "CLUSTER", "SETSLOT", slot, "MIGRATING", target)
	for _, s := range []*redistest.Server{to, from, cluster[2]} {
		s.Do(t, "CLUSTER", "SETSLOT", slot, "NODE", target)
	}
}

func TestASubscriptionFollowsItsSlots(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	channels := inFirstNode(4)
	k := track(t, newRedis(dial(t, cluster.URL())), channels...)
	for _, channel := range channels[:2] {
		move(t, cluster, channel, cluster[0], cluster[1])
	}
	k.wantHealed()
}

func TestAddFindsAChannelWhoseSlotHasMovedSinceTheClusterWasAsked(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	channels := inFirstNode(4)
	b := newRedis(dial(t, cluster.URL()))
	s := subscribe(t, b, channels[0])
	move(t, cluster, channels[1], cluster[0], cluster[1])
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // half of what go-redis takes to ask by itself
	defer cancel()
	if err := s.Add(ctx, channels[1:]...); err != nil {
		t.Fatal(err)
	}
	for _, channel := range channels {
		if err := b.Publish(t.Context(), channel, []byte(channel)); err != nil {
			t.Fatal(err)
		}
		wantDelivery(t, s, channel)
	}
}

func TestAChannelIsRemovedAndAddedAgainWhileTheClusterIsAskedWhereItIs(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	open := make(chan struct{})
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{cluster[0].Addr}, ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			<-open
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	})
	t.Cleanup(func() { _ = client.Close() })
	b := newRedis(client)
	s := subscribe(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for range 2 {
		if err := s.Add(ctx, "channel"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("add: %v, want a timeout", err)
		}
		s.Remove("channel")
	}
	added := make(chan error, 1)
	ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	go func() { added <- s.Add(ctx, "channel") }() // wanted before the cluster answers, or not: both must do
	close(open)
	if err := <-added; err != nil {
		t.Fatalf("add: %v", err)
	}
	if err := b.Publish(t.Context(), "channel", []byte("hello")); err != nil {
		t.Fatal(err)
	}
	wantDelivery(t, s, "hello")
}

func TestASubscriptionLeavesADeadNodeForTheOneThatTakesItsSlots(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	k := track(t, newRedis(dial(t, cluster.URL())), manyChannels()...)
	cluster[0].Kill()
	k.eventually("the death is told", func() bool { return k.interruptions > 0 })
	for _, s := range cluster[1:] { // what the election of a replica ends with
		s.Do(t, "CLUSTER", "DELSLOTSRANGE", 0, firstNodeSlots-1)
	}
	cluster[1].Do(t, "CLUSTER", "ADDSLOTSRANGE", 0, firstNodeSlots-1)
	cluster[1].Do(t, "CLUSTER", "BUMPEPOCH")
	k.wantHealed()
}
