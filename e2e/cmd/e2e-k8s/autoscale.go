package main

import (
	"context"
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
		err := eventually(ctx, 4*time.Minute, func() (bool, string, error) {
			out, err := r.in(ctx, "get", "horizontalpodautoscaler/"+release+"-web", "-o", "jsonpath={.status.desiredReplicas} {.status.currentMetrics[0].resource.current.averageUtilization}")
			percent, ok := strings.CutPrefix(out, "3 ")
			scaled = "web has 3 replicas at " + percent + " % of its CPU request, wanted 1 %"
			return ok, "the autoscaler does not scale: " + out, err
		})
		if err != nil {
			return err
		}
		return r.rolledOut(ctx, "web")
	})
	if err == nil {
		err = r.deploy(ctx, r.tag)
	}
	return scaled + "; " + said, err
}
