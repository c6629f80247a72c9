package broker_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/broker/brokertest"
	"github.com/confab-chat/confab/pkg/redistest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	brokertest.RunBroker(t, func(*testing.T) broker.Broker { return broker.NewMemory() })
}

func TestRedisKeepsTheContract(t *testing.T) {
	t.Parallel()
	client := dial(t, redistest.Start(t))
	brokertest.RunBroker(t, func(*testing.T) broker.Broker { return newRedis(client) })
}

func dial(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	client, err := broker.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestMemoryForgetsALogThatIsQuietForLogAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := broker.NewMemory()
		for _, pause := range []time.Duration{0, broker.LogAge - time.Second} {
			time.Sleep(pause)
			if err := b.Announce(t.Context(), brokertest.Event("c", 1, "hello")); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(broker.LogAge - time.Second)
		if events, _ := b.Log(t.Context(), "c", 0); len(events) != 1 {
			t.Errorf("the log has %d events before its age, want 1", len(events))
		}
		time.Sleep(2 * time.Second)
		if events, _ := b.Log(t.Context(), "c", 0); len(events) != 0 {
			t.Errorf("the log has %d events after its age, want none", len(events))
		}
	})
}

func subscribe(t *testing.T, b broker.Broker, channels ...string) broker.Subscription {
	t.Helper()
	s, err := b.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Add(ctx, channels...); err != nil {
		t.Fatal(err)
	}
	return s
}

func wantInterruption(t *testing.T, s broker.Subscription) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := s.Receive(ctx); !errors.Is(err, broker.ErrInterrupted) {
		t.Fatalf("receive: %v, want ErrInterrupted", err)
	}
}

func wantDelivery(t *testing.T, s broker.Subscription, payload string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		d, err := s.Receive(ctx)
		if errors.Is(err, broker.ErrInterrupted) {
			continue // it is told of each channel
		}
		if err != nil || string(d.Payload) != payload {
			t.Fatalf("received %q and %v, want %q", d.Payload, err, payload)
		}
		return
	}
}

func newRedis(client redis.UniversalClient) *broker.Redis {
	return broker.NewRedis(client, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}
