package mongokit

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
)

func TestRetry(t *testing.T) {
	answer := func(code int32) error { return fmt.Errorf("wrapped: %w", mongo.CommandError{Code: code}) }
	busy, other := answer(48), errors.New("other")
	tests := map[string]struct {
		answers []error // the last one for good
		calls   int
		want    error
	}{
		"done":          {[]error{nil}, 1, nil},
		"done at last":  {[]error{busy, answer(112), answer(117), answer(12587), nil}, 5, nil},
		"for good":      {[]error{other}, 1, other},
		"later so":      {[]error{busy, other}, 2, other},
		"busy for long": {[]error{busy}, indexTries, busy},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			calls := 0
			err := retry(t.Context(), 0, func() error {
				calls++
				return test.answers[min(calls, len(test.answers))-1]
			})
			if calls != test.calls || !errors.Is(err, test.want) {
				t.Errorf("%d calls and %v, want %d and %v", calls, err, test.calls, test.want)
			}
		})
	}
}

func TestRetryEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	calls := 0
	err := retry(ctx, time.Hour, func() error { calls++; return mongo.CommandError{Code: 48} })
	if calls != 1 || err == nil {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// A server that stands alone is sent no read preference, so what Connect asks for is read here.
func TestClientOptions(t *testing.T) {
	plain := clientOptions("mongodb://127.0.0.1/", nil)
	if *plain.ServerSelectionTimeout != selectionTimeout || *plain.ConnectTimeout != dialTimeout || *plain.Timeout != operationTimeout {
		t.Error("without times in the URI, Connect's are not used")
	}
	told := clientOptions("mongodb://127.0.0.1/?readPreference=secondary&timeoutMS=1&connectTimeoutMS=2&serverSelectionTimeoutMS=3", nil)
	if mode := told.ReadPreference.Mode(); mode != readpref.PrimaryMode {
		t.Errorf("reads go to %v", mode)
	}
	if *told.Timeout != 1e6 || *told.ConnectTimeout != 2e6 || *told.ServerSelectionTimeout != 3e6 {
		t.Error("the URI's times are not used")
	}
}
