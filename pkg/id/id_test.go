package id_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/id"
)

func TestNewIsDifferentEveryTime(t *testing.T) {
	const callers, each = 8, 10_000
	made := make([]string, callers*each)
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for i := range each {
				made[caller*each+i] = id.New()
			}
		})
	}
	group.Wait()
	for _, s := range made {
		if len(s) != 24 || strings.Trim(s, "0123456789abcdef") != "" || !id.Valid(s) {
			t.Fatalf("%q is no ObjectID in hex", s)
		}
	}
	slices.Sort(made)
	if distinct := len(slices.Compact(made)); distinct != callers*each {
		t.Fatalf("%d of %d are different", distinct, callers*each)
	}
}

func TestNewSortsByTheSecondOfItsMaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made []string
		for range 100 {
			made = append(made, id.New())
			time.Sleep(time.Minute)
		}
		if !slices.IsSorted(made) {
			t.Fatalf("not sorted: %v", made)
		}
	})
}

func TestValid(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "507f1f77bcf86cd799439011": true, "A-z_0.9": true, strings.Repeat("x", id.MaxLen): true,
		"": false, strings.Repeat("x", id.MaxLen+1): false, "a b": false, "a/b": false, "a\x00": false, "a\n": false,
		"é": false, "\xff": false, "{a}": false, "$gt": false, "a:b": false, "a%2Fb": false,
	} {
		if id.Valid(s) != want {
			t.Errorf("Valid(%q) is %v", s, !want)
		}
	}
}
