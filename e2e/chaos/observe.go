package chaos

import (
	"context"
	"errors"
	"time"
)

const longest = 2 * time.Hour // above that of any fault that is waited for

// Observe puts the load on a deployment that runs already, from before during begins until after it has returned. The error is during's, or of what could not
// be run.
func Observe(ctx context.Context, url string, load Load, seed uint64, during func(ctx context.Context) error) (*Report, error) {
	scene := &Scene{report: &Report{Scenario: "observed"}}
	var err error
	if scene.crew, err = enlist(ctx, url, load, seed); err != nil {
		return nil, err
	}
	s := &Scenario{Longest: longest, Fault: func(ctx context.Context, _ *Scene) (string, error) { return "", during(ctx) }}
	if err = scene.crew.muster(ctx, url); err == nil {
		err = errors.Join(s.perform(ctx, scene), s.judge(ctx, scene))
	}
	scene.dismiss()
	return scene.report, err
}
