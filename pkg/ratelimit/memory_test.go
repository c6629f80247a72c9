package ratelimit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryHoldsNoMoreThanTheBucketsThatAreInUse(t *testing.T) {
	rule := Rule{Name: "socket", Burst: 600, Period: 12 * time.Second} // full again 20 ms after a request
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		for n := range 50_000 {
			m.Allow(t.Context(), rule, fmt.Sprint(n))
			time.Sleep(time.Millisecond)
			if held := len(m.tats); held > fewKeys {
				t.Fatalf("%d keys are held after %d, of which 20 matter", held, n)
			}
		}
	})
}

func TestMemoryIsBoundedWhateverComes(t *testing.T) {
	m := NewMemory()
	for n := range 3 * mostKeys {
		m.Allow(t.Context(), Rule{Name: "login", Burst: 1, Period: time.Hour}, fmt.Sprint(n))
		if held := len(m.tats); held > mostKeys {
			t.Fatalf("%d keys are held", held)
		}
	}
	if held := len(m.tats); held < mostKeys/2 {
		t.Errorf("%d keys are held: more than needed were forgotten", held)
	}
}
