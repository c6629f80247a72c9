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
)

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

// some is an error where there is none of what a fault is to touch.
func some(count float64, err error) (float64, error) {
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
