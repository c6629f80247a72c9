package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

var services = []string{"auth-svc", "conversation-svc", "message-svc", "realtime-svc", "web"}

// install begins with tokens that die at once, for one of them.
func (r *run) install(ctx context.Context) (string, error) {
	begin := time.Now()
	if err := r.deploy(ctx, r.tag, "--set", "services.auth-svc.env.CONFAB_TUTORIAL_TOKEN_TTL=1s"); err != nil {
		return "", err
	}
	took := time.Since(begin)
	if err := r.expire(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("ready after %.0f s; one more value changed", took.Seconds()), r.deploy(ctx, r.tag)
}

// expire gets a token that dies.
func (r *run) expire(ctx context.Context) error {
	body := fmt.Sprintf(`{"email":"expired%d@example.com","password":"correct horse","firstName":"Ex","lastName":"Pired"}`, time.Now().UnixNano())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url()+"/api/auth/register", strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct{ Token string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	r.expired = strings.TrimPrefix(answer.Token, "JWT ")
	time.Sleep(1100 * time.Millisecond)
	return nil
}

func (r *run) helmTest(ctx context.Context) (string, error) {
	_, err := helm(ctx, "-n", r.namespace, "test", release)
	return "a message through each of two gateways", err
}

// suite runs the end-to-end tests on a new release, and counts those that passed and were skipped.
func (r *run) suite(ctx context.Context) (said string, err error) {
	if _, err := r.install(ctx); err != nil {
		return "", err
	}
	defer func() {
		_, removed := r.uninstall(ctx)
		err = errors.Join(err, removed)
	}()
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-json", "-timeout", "20m", "./e2e")
	cmd.Env = append(os.Environ(), "CONFAB_E2E_URL="+r.url(), "CONFAB_E2E_EXPIRED_TOKEN="+r.expired)
	out, err := cmd.Output()
	count, failures := map[string]int{}, ""
	for line := range bytes.Lines(out) {
		var event struct{ Action, Test, Output string }
		if json.Unmarshal(line, &event) == nil && event.Test != "" {
			count[event.Action]++
			if event.Action == "fail" {
				failures += " " + event.Test
			}
		}
	}
	if err != nil || count["pass"] == 0 {
		return "", errors.Join(errors.New("failed:"+failures), err)
	}
	return fmt.Sprintf("%d tests passed, %d skipped", count["pass"], count["skip"]), nil
}

// wrongImage has an upgrade fail, and be taken back.
func (r *run) wrongImage(ctx context.Context) (string, error) {
	err := r.deploy(ctx, "no-such-version", "--atomic", "--timeout", "60s")
	if err == nil || !strings.Contains(err.Error(), "deadline exceeded") {
		return "", errors.Join(errors.New("an image that does not exist does not time out"), err)
	}
	out, err := helm(ctx, "-n", r.namespace, "status", release, "-o", "json")
	if err == nil && !strings.Contains(out, `"status":"deployed"`) {
		err = fmt.Errorf("after the rollback: %.200s", out)
	}
	if err == nil {
		_, err = r.helmTest(ctx)
	}
	return "refused after 60 s, and taken back; it goes on", err
}

func (r *run) uninstall(ctx context.Context) (string, error) {
	if _, err := helm(ctx, "-n", r.namespace, "uninstall", release, "--wait", "--timeout", "3m"); err != nil {
		return "", err
	}
	err := eventually(ctx, 90*time.Second, func() (bool, string, error) { // helm does not wait for pods that end
		left, err := r.in(ctx, "get", "all,secrets,networkpolicies,poddisruptionbudgets,ingresses,configmaps", "-l", "app.kubernetes.io/part-of=confab", "-o", "name")
		return strings.TrimSpace(left) == "", "left: " + left, err
	})
	return "nothing is left but the volume of MongoDB", err
}
