package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	release = "confab"
	chart   = "k8s/helm/confab"
)

func kubectl(ctx context.Context, args ...string) (string, error) {
	return command(ctx, "", "kubectl", args...)
}

func helm(ctx context.Context, args ...string) (string, error) {
	return command(ctx, "", "helm", args...)
}

// in is kubectl in the namespace.
func (r *run) in(ctx context.Context, args ...string) (string, error) {
	return kubectl(ctx, append([]string{"-n", r.namespace}, args...)...)
}

// command returns what a program says, and an error with that where it fails.
func command(ctx context.Context, input, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	var out, trouble bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &trouble
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(trouble.String()+out.String()))
	}
	return out.String(), nil
}

// deploy installs or upgrades the release, with values beside those of the whole run, and waits until all is ready.
func (r *run) deploy(ctx context.Context, tag string, more ...string) error {
	values, err := r.values()
	if err != nil {
		return err
	}
	defer os.Remove(values)
	args := append([]string{"-n", r.namespace, "upgrade", "--install", release, chart, "-f", values, "--set", "image.tag=" + tag, "--wait", "--timeout", "5m"}, more...)
	if r.more != "" {
		args = append(args, "-f", r.more)
	}
	if _, err = helm(ctx, args...); err != nil {
		return err
	}
	for _, service := range services { // helm does not wait for those that go
		if err := r.rolledOut(ctx, service); err != nil {
			return err
		}
	}
	return nil
}

// values writes what the whole run wants: no limits by address, as all of its users have one.
func (r *run) values() (file string, err error) {
	f, err := os.CreateTemp("", "confab-values-*.yaml")
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, `
image: {repository: %s}
quickstart: {enabled: true, mongodb: {image: %q, storage: 1Gi}, redis: {image: %q}}
service: {type: NodePort, nodePort: %d}
proxies: [0.0.0.0/0]
allowedOrigins: ["http://localhost:8080"]
services:
  auth-svc: {env: {CONFAB_REGISTER_RATE: "0", CONFAB_LOGIN_RATE: "0"}}
  conversation-svc: {env: {CONFAB_START_LIMIT: "0"}}
  message-svc: {env: {CONFAB_SEND_RATE: "0"}}
`, r.repository, r.mongo, r.redis, r.port)
	return f.Name(), err
}

// pod is what is asked of one.
type pod struct {
	Metadata struct{ Name, DeletionTimestamp string }
	Spec     struct {
		Containers []struct {
			Ports []struct {
				Name          string
				ContainerPort int
			}
		}
	}
	Status struct {
		PodIP      string
		Phase      string
		Conditions []struct{ Type, Status string }
	}
}

// ready is false of one that is on its way out, too.
func (p *pod) ready() bool {
	if p.Metadata.DeletionTimestamp != "" {
		return false
	}
	for _, c := range p.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}

// pods returns those of a service that are ready.
func (r *run) pods(ctx context.Context, service string) ([]pod, error) {
	out, err := r.in(ctx, "get", "pods", "-o", "json", "-l", "app.kubernetes.io/name="+service)
	if err != nil {
		return nil, err
	}
	var list struct{ Items []pod }
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, err
	}
	var ready []pod
	for _, p := range list.Items {
		if p.ready() {
			ready = append(ready, p)
		}
	}
	return ready, nil
}

func (r *run) rolledOut(ctx context.Context, service string) error {
	_, err := r.in(ctx, "rollout", "status", "deployment/"+release+"-"+service, "--timeout=3m")
	return err
}

// wait returns once so many pods of a service are ready.
func (r *run) wait(ctx context.Context, service string, count int) error {
	return eventually(ctx, 3*time.Minute, func() (bool, string, error) {
		ready, err := r.pods(ctx, service)
		return len(ready) >= count, fmt.Sprintf("%d pods of %s are ready, want %d", len(ready), service, count), err
	})
}

// eventually asks each second until all is as it is to be. It returns what is wrong where that takes too long.
func eventually(ctx context.Context, within time.Duration, ask func() (done bool, wrong string, err error)) error {
	for deadline := time.Now().Add(within); ; {
		done, wrong, err := ask()
		switch {
		case err != nil || done:
			return err
		case time.Now().After(deadline):
			return errors.New(wrong)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
