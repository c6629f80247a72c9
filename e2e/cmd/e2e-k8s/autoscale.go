package main

import (
	"context"
	"errors"
	"strings"
	"time"
)

// autoscale has web scaled by its CPU: the target is so low that any load is above it.
func (r *run) autoscale(ctx context.Context) (string, error) {
	scaled := ""
	said, err := r.under(ctx, light, func(ctx context.Context) error {
		if err := r.deploy(ctx, r.tag, "--set", "services.web.autoscaling.enabled=true", "--set", "services.web.autoscaling.cpu=1", "--set", "services.web.autoscaling.max=3"); err != nil {
			return err
		}
		for deadline := time.Now().Add(4 * time.Minute); ; time.Sleep(2 * time.Second) {
			out, err := r.in(ctx, "get", "horizontalpodautoscaler/"+release+"-web", "-o", "jsonpath={.status.desiredReplicas} {.status.currentMetrics[0].resource.current.averageUtilization}")
			if err != nil {
				return err
			}
			if percent, ok := strings.CutPrefix(out, "3 "); ok {
				scaled = "web has 3 replicas at " + percent + " % of its CPU request, wanted 1 %"
				return r.rolledOut(ctx, "web")
			}
			if time.Now().After(deadline) {
				return errors.New("the autoscaler does not scale: " + out)
			}
		}
	})
	if err == nil {
		err = r.deploy(ctx, r.tag)
	}
	return scaled + "; " + said, err
}
