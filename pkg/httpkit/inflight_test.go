package httpkit_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
)

func TestOneRequestTooManyIsToldToComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChain() // two at once
		end := make(chan struct{})
		waiting := func(context.Context, any) (any, error) {
			<-end
			return nil, nil
		}
		slow := c.Public("slow", waiting)
		inside := httpkit.WithInfo(t.Context(), &httpkit.Info{Token: "service-x"})
		for range 2 {
			go func() { _, _ = slow(inside, nil) }()
		}
		synctest.Wait()
		done := func(context.Context, any) (any, error) { return nil, nil }
		_, err := c.Public("other", done)(inside, nil)
		if f := fault.From(err); err == nil || f.Kind != fault.Unavailable || f.Code != "busy" || f.RetryAfter == 0 {
			t.Errorf("a third one gets %v", err)
		}
		if _, err := c.Service("internal", done)(inside, nil); err != nil {
			t.Errorf("another service gets %v", err)
		}
		close(end)
		synctest.Wait()
		if _, err := c.Public("later", done)(inside, nil); err != nil {
			t.Errorf("after they have ended one gets %v", err)
		}
	})
}
