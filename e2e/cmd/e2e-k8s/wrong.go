package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// wrongValues are refused by helm, which names the key.
func (r *run) wrongValues(ctx context.Context) (string, error) {
	cases := map[string]string{
		"services.realtime-svc.replicas=two": "/services/realtime-svc/replicas",
		"servces.web.replicas=2":             "servces",
		"logLevel=loud":                      "/logLevel",
		"quickstart.enabled=false":           "mongodb.existingSecret",
	}
	for set, key := range cases {
		_, err := helm(ctx, "-n", r.namespace, "install", release, chart, "--set", "quickstart.enabled=true", "--set", set)
		if err == nil || !strings.Contains(err.Error(), key) {
			return "", errors.Join(fmt.Errorf("--set %s: want an error about %s", set, key), err)
		}
	}
	return fmt.Sprintf("%d of %d, each with its key", len(cases), len(cases)), nil
}

// notReady installs what cannot work.
func (r *run) notReady(ctx context.Context) (string, error) {
	const wrong = "wrong"
	args := []string{"-n", r.namespace, "install", wrong, chart, "--set", "image.repository=" + r.repository, "--set", "image.tag=" + r.tag,
		"--set", "mongodb.uri=mongodb://nowhere.invalid:27017", "--set", "redis.existingSecret=no-such-secret"}
	if _, err := helm(ctx, args...); err != nil {
		return "", err
	}
	said, err := r.complaints(ctx, wrong)
	_, removed := helm(context.WithoutCancel(ctx), "-n", r.namespace, "uninstall", wrong, "--wait")
	return said, errors.Join(err, removed)
}

// complaints waits for what the pods of the wrong release say.
func (r *run) complaints(ctx context.Context, wrong string) (string, error) {
	err := eventually(ctx, time.Minute, func() (bool, string, error) {
		events, err := r.in(ctx, "get", "events", "-o", "custom-columns=M:.message", "--no-headers")
		return strings.Contains(events, `secret "no-such-secret" not found`), "no event names the secret", err
	})
	if err != nil {
		return "", err
	}
	ready, err := r.pods(ctx, "message-svc")
	if len(ready) > 0 {
		err = fmt.Errorf("%s is ready", ready[0].Metadata.Name)
	}
	if err != nil {
		return "", err
	}
	return r.away(ctx, wrong)
}

// away gives the release a Redis, so that what it lacks is MongoDB.
func (r *run) away(ctx context.Context, wrong string) (said string, err error) {
	_, err = helm(ctx, "-n", r.namespace, "upgrade", wrong, chart, "--reuse-values", "--set", "redis.existingSecret=", "--set", "redis.url=redis://nowhere.invalid:6379")
	if err != nil {
		return "", err
	}
	err = eventually(ctx, time.Minute, func() (bool, string, error) {
		log, _ := r.in(ctx, "logs", "--all-containers", "-l", "app.kubernetes.io/name=message-svc", "--tail=5") // no container has started yet, or it says what is wrong
		for line := range strings.Lines(log) {
			if strings.Contains(line, "mongodb") && strings.Contains(line, "nowhere.invalid") {
				said = "the event names the secret; the log says: " + strings.TrimSpace(line[:min(len(line), 100)]) + " …"
			}
		}
		return said != "", "the log does not name the database: " + log, nil
	})
	return said, err
}
