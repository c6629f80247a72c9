package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/confab-chat/confab/pkg/pause"
)

// fault is something that goes wrong, and what Prometheus has to say of it.
type fault struct {
	name   string
	alerts []string
	// have brings it about, returns when until does, and mends it.
	have func(ctx context.Context, until func(context.Context) error) (string, error)
}

func (r *run) faults() []fault {
	return []fault{
		{"Redis is silent", []string{"ConfabDegraded", "ConfabAnnouncementsFail", "ConfabMessagesLate", "ConfabGapsHealedByStore"}, r.redisSilent},
		{"Redis falls silent again and again", []string{"ConfabProbesTimeOut"}, r.redisFalters},
		{"conversation-svc is away", []string{"ConfabServiceGone", "ConfabSendsFailing", "ConfabRequestsFailing"}, r.conversationsAway},
		{"message-svc is away", []string{"ConfabWalkFails"}, r.messagesAway},
		{"web is restarted again and again", []string{"ConfabRestarting"}, r.unhealthy},
		{"too few connections to MongoDB", []string{"ConfabStoreConnectionsFail"}, r.fewConnections},
		{"more sockets come than are let in", []string{"ConfabHandshakesRefused"}, r.rush},
	}
}

// faultSteps are steps that last until the alerts have fired, as long as those say.
func (r *run) faultSteps() []step {
	var steps []step
	for _, f := range r.faults() {
		steps = append(steps, step{"alerts: " + f.name, func(ctx context.Context) (string, error) { return r.alarm(ctx, f) }})
	}
	return steps
}

// alarm wants the fault's alerts to be quiet before it, and to fire for it.
func (r *run) alarm(ctx context.Context, f fault) (string, error) {
	rules, err := readRules(f.alerts)
	if err != nil {
		return "", err
	}
	for _, a := range rules {
		err := eventually(ctx, quietWithin, func() (bool, string, error) {
			active, err := r.active(ctx, a)
			return !active, a.Alert + " is active before its fault", err
		})
		if err != nil {
			return "", err
		}
	}
	var fired string
	said, err := f.have(ctx, func(ctx context.Context) (err error) {
		fired, err = r.allFire(ctx, rules)
		return err
	})
	return strings.TrimSuffix(fired+"; "+said, "; "), err
}

// rule is an alert of Prometheus.
type rule struct {
	Alert, Expr string
	For         time.Duration
	since       time.Time // it holds; zero: it does not
}

func readRules(names []string) ([]*rule, error) {
	text, err := os.ReadFile(chart + "/files/alerts.yaml")
	if err != nil {
		return nil, err
	}
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr, For string }
		}
	}
	if err := yaml.Load(text, &file); err != nil {
		return nil, err
	}
	var found []*rule
	for _, name := range names {
		for _, group := range file.Groups {
			for _, given := range group.Rules {
				if given.Alert != name {
					continue
				}
				lasts, err := time.ParseDuration(given.For)
				if err != nil && given.For != "" {
					return nil, err
				}
				found = append(found, &rule{Alert: name, Expr: given.Expr, For: lasts})
			}
		}
	}
	if len(found) != len(names) {
		return nil, fmt.Errorf("of %q there are %d", names, len(found))
	}
	return found, nil
}

// active reports whether the rule's expression holds for this namespace.
func (r *run) active(ctx context.Context, a *rule) (bool, error) {
	found, err := r.ask(ctx, "query", url.Values{"query": {a.Expr}})
	for _, s := range found {
		if s.Metric["namespace"] == r.namespace {
			return true, err
		}
	}
	return false, err
}

const (
	evaluateEvery = 15 * time.Second // as Prometheus does
	quietWithin   = 20 * time.Minute // after an earlier fault: expressions look back as far as 15 min
	patience      = 10 * time.Minute // for an expression to hold, besides what its alert waits
)

// allFire evaluates the rules as Prometheus does, until each has held for as long as it says, without a pause.
func (r *run) allFire(ctx context.Context, waiting []*rule) (string, error) {
	var fired []string
	begin := time.Now()
	for len(waiting) > 0 {
		var quiet []*rule
		for _, a := range waiting {
			if err := r.evaluate(ctx, a); err != nil {
				return "", err
			}
			switch took := time.Since(begin); {
			case !a.since.IsZero() && time.Since(a.since) >= a.For:
				fired = append(fired, fmt.Sprintf("%s after %.0f min", a.Alert, took.Minutes()))
			case took > a.For+patience:
				return strings.Join(fired, ", "), fmt.Errorf("%s does not fire within %v", a.Alert, took.Round(time.Second))
			default:
				quiet = append(quiet, a)
			}
		}
		waiting = quiet
		if !pause.For(ctx, evaluateEvery) {
			return "", ctx.Err()
		}
	}
	return strings.Join(fired, ", "), nil
}

// evaluate notes since when the rule holds.
func (r *run) evaluate(ctx context.Context, a *rule) error {
	active, err := r.active(ctx, a)
	switch {
	case !active:
		a.since = time.Time{}
	case a.since.IsZero():
		a.since = time.Now()
	}
	return err
}
