package broker_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/broker/brokertest"
	"github.com/confab-chat/confab/pkg/redistest"
)

// rig is a broker and the servers behind it.
type rig struct {
	*broker.Redis
	servers []*redistest.Server
}

// overRedis runs a test over one server and over a cluster, both of its own.
func overRedis(t *testing.T, test func(t *testing.T, r rig)) {
	t.Parallel()
	t.Run("one server", func(t *testing.T) {
		t.Parallel()
		server := redistest.StartServer(t)
		test(t, rig{newRedis(dial(t, server.URL())), []*redistest.Server{server}})
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		cluster := redistest.StartCluster(t)
		test(t, rig{newRedis(dial(t, cluster.URL())), cluster[:]})
	})
}

func (r rig) do(t *testing.T, args ...any) {
	t.Helper()
	for _, s := range r.servers {
		s.Do(t, args...)
	}
}

func (r rig) each(t *testing.T, do func(s *redistest.Server, t testing.TB)) {
	t.Helper()
	for _, s := range r.servers {
		do(s, t)
	}
}

// manyChannels are in as many slots, and on every node of a cluster.
func manyChannels() []string {
	channels := make([]string, 12)
	for i := range channels {
		channels[i] = "channel-" + strconv.Itoa(i)
	}
	return channels
}

func TestASubscriptionHealsWhenItsConnectionIsCut(t *testing.T) {
	overRedis(t, func(t *testing.T, r rig) {
		k := track(t, r, manyChannels()...)
		r.do(t, "CLIENT", "KILL", "TYPE", "pubsub")
		k.wantHealed()
	})
}

func TestASubscriptionHealsWhenRedisIsRestartedEmpty(t *testing.T) {
	overRedis(t, func(t *testing.T, r rig) {
		k := track(t, r, manyChannels()...)
		for _, s := range r.servers {
			s.Kill()
		}
		r.each(t, (*redistest.Server).Restart)
		k.wantHealed()
		k.eventually("the script is there again", func() bool {
			return r.Announce(t.Context(), brokertest.Event("c", 1, "hello")) == nil
		})
	})
}

func TestNobodyWaitsForAStoppedRedisAndItsSubscriptionsHeal(t *testing.T) {
	overRedis(t, func(t *testing.T, r rig) {
		r.ProbeEvery(300 * time.Millisecond)
		k := track(t, r, manyChannels()...)
		closing := subscribe(t, r, manyChannels()...)
		r.each(t, (*redistest.Server).Pause)

		const bound = 200 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), bound)
		defer cancel()
		within(t, 2*bound, "Announce", func() {
			if err := r.Announce(ctx, brokertest.Event("c", 1, "hello")); err == nil {
				t.Error("announced to a stopped Redis")
			}
		})
		within(t, bound, "Remove", func() {
			closing.Remove(manyChannels()...)
		})
		ctx, cancel = context.WithTimeout(t.Context(), bound)
		defer cancel()
		within(t, 2*bound, "Add", func() {
			if err := closing.Add(ctx, "late"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("add: %v, want a timeout", err)
			}
		})
		within(t, bound, "Close", func() { _ = closing.Close() })

		k.eventually("the silence is noticed", func() bool { return k.interruptions > 0 })
		r.each(t, (*redistest.Server).Resume)
		k.wantHealed()
	})
}

func within(t *testing.T, bound time.Duration, what string, do func()) {
	t.Helper()
	start := time.Now()
	do()
	if took := time.Since(start); took > bound {
		t.Errorf("%s took %v, want at most %v", what, took, bound)
	}
}

func TestAChannelThatCouldNotBeConfirmedInTimeIsAddedLater(t *testing.T) {
	overRedis(t, func(t *testing.T, r rig) {
		s := subscribe(t, r, "before")
		r.do(t, "CLIENT", "PAUSE", "1000", "ALL")
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.Add(ctx, "late", "withdrawn"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("add: %v, want a timeout", err)
		}
		s.Remove("withdrawn")
		wantInterruption(t, s)
		for _, channel := range []string{"withdrawn", "late"} {
			if err := r.Publish(t.Context(), channel, []byte("hello on "+channel)); err != nil {
				t.Fatal(err)
			}
		}
		wantDelivery(t, s, "hello on late")
		eventually(t, "what was withdrawn meanwhile is unsubscribed", func() bool { return r.count(t, "withdrawn") == 0 })
	})
}

func TestRedisKeepsNothingOfWhatIsRemovedOrClosed(t *testing.T) {
	overRedis(t, func(t *testing.T, r rig) {
		s := subscribe(t, r, manyChannels()...)
		for range 5 {
			s.Remove(manyChannels()...)
			if err := s.Add(t.Context(), "kept-{3}", manyChannels()[0]); err != nil {
				t.Fatal(err)
			}
		}
		s.Remove(manyChannels()...)
		eventually(t, "only one channel and the probes are left", func() bool { return r.count(t, "kept-{3}") == 1 && r.count(t, "channel-") == 0 })
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "no connection is left", func() bool { return r.connections(t) == 0 })
	})
}

// count returns how many channels of the servers begin with a prefix.
func (r rig) count(t *testing.T, prefix string) (n int) {
	t.Helper()
	for _, s := range r.servers {
		for _, command := range []string{"CHANNELS", "SHARDCHANNELS"} {
			channels, _ := s.Do(t, "PUBSUB", command).([]any)
			for _, channel := range channels {
				if strings.HasPrefix(channel.(string), prefix) {
					n++
				}
			}
		}
	}
	return n
}

// connections returns how many connections to the servers are subscribed.
func (r rig) connections(t *testing.T) (n int) {
	t.Helper()
	for _, s := range r.servers {
		clients, _ := s.Do(t, "CLIENT", "LIST", "TYPE", "PUBSUB").(string)
		n += strings.Count(clients, "\n")
	}
	return n
}

func TestASubscriptionAuthenticates(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t)
	server.Do(t, "ACL", "SETUSER", "ada", "on", ">secret", "allkeys", "allchannels", "allcommands")
	server.Do(t, "CONFIG", "SET", "requirepass", "hidden")
	for _, credentials := range []string{":hidden", "ada:secret"} {
		b := newRedis(dial(t, "redis://"+credentials+"@"+server.Addr))
		s := subscribe(t, b, "channel")
		if err := b.Publish(t.Context(), "channel", []byte(credentials)); err != nil {
			t.Fatal(err)
		}
		wantDelivery(t, s, credentials)
	}
}

func TestDialTellsAClusterByItsScheme(t *testing.T) {
	for url, cluster := range map[string]bool{
		"redis://127.0.0.1": false, "rediss://:secret@127.0.0.1:1/2": false,
		"redis+cluster://127.0.0.1?addr=127.0.0.1:1": true, "rediss+cluster://ada:secret@127.0.0.1": true,
	} {
		if _, ok := dial(t, url).(*redis.ClusterClient); ok != cluster {
			t.Errorf("%s: a cluster: %t, want %t", url, ok, cluster)
		}
	}
}

func TestDialRefusesAWrongURL(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1", "http://127.0.0.1", "http+cluster://127.0.0.1", "redis+cluster://127.0.0.1?addr=no-port"} {
		if _, err := broker.Dial(url); err == nil {
			t.Errorf("no error for %q", url)
		}
	}
}
