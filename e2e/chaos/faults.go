package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
)

// busy is 400 sockets that get 4,000 events a second.
var busy = Load{Rooms: 4, Readers: 400, Writers: 2, Every: 200 * time.Millisecond}

// light is what MongoDB's stand-in bears without a queue in front of it, so that the time of a send is that of our code.
var light = Load{Rooms: 4, Readers: 400, Writers: 2, Every: 2 * time.Second}

// Scenarios are all there are, in the order in which they run.
var Scenarios = []Scenario{
	{Name: "gateway: SIGTERM", Load: busy, Fault: terminateGateway},
	{Name: "gateway: kill -9", Load: busy, Fault: killGateway},
	{Name: "two message-svc, one conversation, 64 writers", Load: Load{Rooms: 1, Readers: 40, Writers: 64}, Fault: bothReplicas,
		Flags: map[string][]string{peer.MessageService: {"-send-rate", "0"}}},
	{Name: "Redis: killed, and started empty", Load: busy, Fault: restartRedis},
	{Name: "Redis: stopped for 20 s", Load: busy, Fault: stopRedis},
	{Name: "nothing, light load", Load: light, Fault: nothing},
	{Name: "Redis: killed, and started empty, light load", Load: light, Fault: restartRedis},
	{Name: "Redis: stopped for 20 s, light load", Load: light, Fault: stopRedis},
}

var errNothingTouched = errors.New("it would touch nothing")

const (
	drainBound  = 30 * time.Second // the grace period that Kubernetes gives by default
	redisIsAway = 20 * time.Second
	redisIsDown = 2 * time.Second
	gatewayGone = 5 * time.Second
)

func terminateGateway(ctx context.Context, s *Scene) (string, error) {
	gateway := s.Process(peer.RealtimeService, 0)
	sockets, err := metric(ctx, gateway, "confab_sockets")
	if err != nil {
		return "", err
	}
	if sockets == 0 {
		return "", errNothingTouched
	}
	begin := time.Now()
	if err := gateway.Terminate(); err != nil {
		return "", err
	}
	bounded, cancel := context.WithTimeout(ctx, drainBound)
	defer cancel()
	if err := gateway.Wait(bounded); err != nil {
		return "", err
	}
	did := fmt.Sprintf("ended %.0f sockets within %.1f s", sockets, time.Since(begin).Seconds())
	return did, gateway.Restart(ctx)
}

func killGateway(ctx context.Context, s *Scene) (string, error) {
	gateway := s.Process(peer.RealtimeService, 0)
	sockets, err := metric(ctx, gateway, "confab_sockets")
	if err != nil {
		return "", err
	}
	if sockets == 0 {
		return "", errNothingTouched
	}
	if err := gateway.Kill(); err != nil {
		return "", err
	}
	time.Sleep(gatewayGone)
	return fmt.Sprintf("cut %.0f sockets", sockets), gateway.Restart(ctx)
}

// bothReplicas waits until the writers are through. The load is the fault: two replicas number one conversation.
func bothReplicas(ctx context.Context, s *Scene) (string, error) {
	for s.crew.more() {
		time.Sleep(100 * time.Millisecond)
	}
	var counts [4]float64
	for i, replica := range []struct{ service, metric string }{
		{peer.MessageService, "confab_request_duration_seconds_count"}, {peer.RealtimeService, "confab_sockets"},
	} {
		for n := range 2 {
			count, err := metric(ctx, s.Process(replica.service, n), replica.metric)
			if err != nil {
				return "", err
			}
			if count == 0 {
				return "", errNothingTouched
			}
			counts[2*i+n] = count
		}
	}
	return fmt.Sprintf("%.0f and %.0f requests to the replicas, %.0f and %.0f sockets", counts[0], counts[1], counts[2], counts[3]), nil
}

func restartRedis(ctx context.Context, s *Scene) (string, error) {
	if err := s.Redis.Kill(); err != nil {
		return "", err
	}
	time.Sleep(redisIsDown)
	if err := s.Redis.Restart(ctx); err != nil {
		return "", err
	}
	return s.healed(ctx, "down for 2 s")
}

// nothing is what the others are compared with.
func nothing(context.Context, *Scene) (string, error) {
	time.Sleep(redisIsAway)
	return "none", nil
}

func stopRedis(ctx context.Context, s *Scene) (string, error) {
	if err := s.Redis.Stop(); err != nil {
		return "", err
	}
	time.Sleep(redisIsAway)
	if err := s.Redis.Continue(); err != nil {
		return "", err
	}
	return s.healed(ctx, "said nothing for 20 s")
}

// healed adds how many gaps the gateways have closed so far.
func (s *Scene) healed(ctx context.Context, did string) (string, error) {
	var gaps float64
	for n := range 2 {
		count, err := metric(ctx, s.Process(peer.RealtimeService, n), "confab_gaps_total")
		if err != nil {
			return "", err
		}
		gaps += count
	}
	return fmt.Sprintf("%s; %.0f gaps closed", did, gaps), nil
}

// metric returns the sum of a process's samples of a metric, whatever their labels.
func metric(ctx context.Context, p *split.Process, name string) (float64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.AdminURL+"/metrics", http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	var sum float64
	for line := range strings.Lines(string(text)) {
		labels, ok := strings.CutPrefix(line, name)
		if !ok || labels[0] != '{' && labels[0] != ' ' {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(labels[strings.LastIndexByte(labels, ' ')+1:]), 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s of %s: %w", name, p, err)
		}
		sum += value
	}
	return sum, nil
}
