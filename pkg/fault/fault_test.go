package fault_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/fault"
)

func TestEveryKindHasAStatusOfItsOwn(t *testing.T) {
	for kind, status := range map[fault.Kind]int{
		fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.NotAllowed: 405,
		fault.Conflict: 409, fault.TooLarge: 413, fault.Unsupported: 415, fault.Unprocessable: 422, fault.RateLimited: 429,
		fault.Canceled: 499, fault.Internal: 500, fault.Unavailable: 503,
	} {
		back, ok := fault.KindOf(kind.Status())
		if kind.Status() != status || back != kind || !ok {
			t.Errorf("%s has the status %d, which is of the kind %q, %v", kind, kind.Status(), back, ok)
		}
	}
	for _, status := range []int{0, 200, 304, 402, 502} {
		if kind, ok := fault.KindOf(status); ok {
			t.Errorf("the status %d is of the kind %q", status, kind)
		}
	}
}

// cleared is an error as MongoDB's driver has it for who waited for a connection.
type cleared struct{}

func (cleared) Error() string   { return "the pool was cleared" }
func (cleared) Retryable() bool { return true }

func TestFromSaysWhatAClientIsTold(t *testing.T) {
	full := fault.New(fault.Conflict, "full", "It is full.")
	for name, test := range map[string]struct {
		err        error
		kind       fault.Kind
		code       string
		retryAfter time.Duration
	}{
		"a fault":                             {full, fault.Conflict, "full", 0},
		"a fault further down":                {fmt.Errorf("adding: %w", full), fault.Conflict, "full", 0},
		"a fault beside others":               {errors.Join(errors.New("x"), full), fault.Conflict, "full", 0},
		"a fault because of an ended context": {full.Because(context.Canceled), fault.Conflict, "full", 0},
		"a fault because of another":          {full.Because(fault.BadField("f", "x")), fault.Conflict, "full", 0},
		"a client that left":                  {fmt.Errorf("reading: %w", context.Canceled), fault.Canceled, "canceled", 0},
		"a deadline":                          {fmt.Errorf("reading: %w", context.DeadlineExceeded), fault.Unavailable, "timeout", time.Second},
		"a store that cannot be reached":      {fmt.Errorf("reading: %w", &net.OpError{Op: "dial"}), fault.Unavailable, "store_unavailable", time.Second},
		"a store's connection that broke":     {fmt.Errorf("reading: %w", cleared{}), fault.Unavailable, "store_unavailable", time.Second},
		"anything else":                       {errors.New("disk full"), fault.Internal, "internal", 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := fault.From(test.err)
			if got.Kind != test.kind || got.Code != test.code || got.RetryAfter != test.retryAfter {
				t.Fatalf("got %+v", got)
			}
			if got.Code != "full" && (!errors.Is(got, test.err) || strings.Contains(got.Detail, test.err.Error())) {
				t.Fatalf("the log gets %q, the client %q", got, got.Detail)
			}
		})
	}
}

func TestFaultsOfOneCodeAreEqual(t *testing.T) {
	full := fault.New(fault.Conflict, "full", "It is full.")
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"itself":                {full, true},
		"with a cause":          {full.Because(errors.New("x")), true},
		"with a wait":           {full.After(time.Second), true},
		"wrapped":               {fmt.Errorf("adding: %w", full), true},
		"in other words":        {fault.New(fault.Conflict, "full", "No room."), true},
		"one of another code":   {fault.New(fault.Conflict, "empty", "It is full."), false},
		"what is no fault":      {errors.New(full.Error()), false},
		"one that is its cause": {fault.New(fault.Unavailable, "away", "x").Because(full), true},
		"no error":              {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if errors.Is(test.err, full) != test.want {
				t.Fatalf("errors.Is says %v", !test.want)
			}
		})
	}
}

func TestCopiesLeaveTheFaultAsItIs(t *testing.T) {
	full, cause := fault.New(fault.Conflict, "full", "It is full."), errors.New("x")
	because, after := full.Because(cause), full.After(time.Minute)
	if !errors.Is(because, cause) || after.RetryAfter != time.Minute || errors.Is(full, cause) || full.RetryAfter != 0 {
		t.Fatalf("%+v, %+v, %+v", full, because, after)
	}
	if got := fault.BadField("title", "Too long.").Because(cause).Error(); got != "invalid_field (title): Too long.: x" {
		t.Fatalf("the log gets %q", got)
	}
}
