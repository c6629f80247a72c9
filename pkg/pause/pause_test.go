package pause_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/pause"
)

func TestAPauseEndsWithItsTimeOrItsContext(t *testing.T) {
	for name, test := range map[string]struct {
		pause, contextEnds, want time.Duration
		whole                    bool
	}{
		"its time":               {time.Second, time.Minute, time.Second, true},
		"no time":                {0, time.Minute, 0, true},
		"its context":            {time.Minute, time.Second, time.Second, false},
		"a context that is over": {0, 0, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.contextEnds)
				defer cancel()
				start := time.Now()
				if whole := pause.For(ctx, test.pause); whole != test.whole || time.Since(start) != test.want {
					t.Errorf("returned %t after %v", whole, time.Since(start))
				}
			})
		})
	}
}
