package split

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const askTimeout = 2 * time.Second

// connects returns an error while nobody listens.
func connects(ctx context.Context, address string) error {
	c, err := (&net.Dialer{Timeout: askTimeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}

// answersPing returns an error while no Redis answers.
func answersPing(ctx context.Context, address string) error {
	c, err := (&net.Dialer{Timeout: askTimeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(askTimeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "PING\r\n"); err != nil {
		return err
	}
	answer := make([]byte, 5)
	if _, err := io.ReadFull(c, answer); err != nil {
		return err
	}
	if string(answer) != "+PONG" {
		return fmt.Errorf("it answers %q", answer)
	}
	return nil
}

// answersReady returns an error while /readyz says anything but 200.
func answersReady(ctx context.Context, adminURL string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, adminURL+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(said)))
	}
	return err
}

// lastLines returns the end of a log in one line.
func lastLines(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	lines = lines[max(0, len(lines)-3):]
	return fmt.Sprintf("%s ends with: %s", path, bytes.Join(lines, []byte(" | ")))
}
