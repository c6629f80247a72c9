package chaos

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
)

// metric returns the sum of a process's samples of a metric: of those that have the label, such as `from="log"`, or of all where it is empty.
func metric(ctx context.Context, p *split.Process, name, label string) (float64, error) {
	text, err := get(ctx, p.AdminURL+"/metrics")
	if err != nil {
		return 0, err
	}
	var sum float64
	for line := range strings.Lines(text) {
		labels, ok := strings.CutPrefix(line, name)
		if !ok || labels[0] != '{' && labels[0] != ' ' || !strings.Contains(labels, label) {
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

// total returns the sum of a metric over the replicas of a service.
func (s *Scene) total(ctx context.Context, service, name, label string) (int64, error) {
	var sum float64
	for _, p := range s.Processes() {
		if p.Service != service {
			continue
		}
		n, err := metric(ctx, p, name, label)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return int64(sum), nil
}

// reads is how many commands that read the services had MongoDB carry out, as far as they live.
func (s *Scene) reads(ctx context.Context) (int64, error) {
	var sum int64
	for _, service := range []string{peer.ConversationService, peer.MessageService} {
		for _, command := range []string{"find", "getMore", "aggregate", "count"} {
			n, err := s.total(ctx, service, "confab_store_commands_total", `command="`+command+`"`)
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	return sum, nil
}

// some is an error where there is none of what a fault is to touch.
func some[N int64 | float64](count N, err error) (N, error) {
	if err == nil && count == 0 {
		return 0, errNothingTouched
	}
	return count, err
}

// redis has Redis carry out a command that answers a number.
func (s *Scene) redis(ctx context.Context, command ...any) (int64, error) {
	c := redis.NewClient(&redis.Options{Addr: s.Redis.Addr})
	defer c.Close()
	return c.Do(ctx, command...).Int64()
}

func get(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", url, response.StatusCode)
	}
	return string(text), err
}
