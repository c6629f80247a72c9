package batch_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/batch"
)

const (
	size  = 4
	limit = 10
)

// recorder is work that takes a second and remembers its batches.
type recorder struct{ batches [][]int }

func (r *recorder) work(items []int) {
	time.Sleep(time.Second)
	r.batches = append(r.batches, slices.Clone(items)) // the queue works on one batch at a time
}

// queueUp brings items from a goroutine each, in their order, the first of which leads. It returns which were let in.
func queueUp(t *testing.T, q *batch.Queue[int], items int, work func([]int)) (taken []bool) {
	taken = make([]bool, items)
	var group sync.WaitGroup
	for i := range items {
		group.Go(func() { taken[i] = q.Do(t.Context(), i, size, limit, work) == nil })
		synctest.Wait()
	}
	group.Wait()
	return taken
}

func TestItemsGatherWhileABatchIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q batch.Queue[int]
		var r recorder
		start := time.Now()
		queueUp(t, &q, 7, r.work)
		if got := fmt.Sprint(r.batches); got != "[[0] [1 2 3 4] [5 6]]" || time.Since(start) != 3*time.Second {
			t.Fatalf("the batches are %s after %v", got, time.Since(start))
		}
		start = time.Now()
		queueUp(t, &q, 1, r.work) // the empty queue has no leader left
		if time.Since(start) != time.Second {
			t.Fatalf("a later item took %v", time.Since(start))
		}
	})
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q batch.Queue[int]
		var r recorder
		taken := queueUp(t, &q, 1+limit+2, r.work)
		if refused := slices.Index(taken, false); refused != 1+limit || taken[refused+1] {
			t.Fatalf("let in: %v", taken)
		}
		if got := fmt.Sprint(r.batches); got != "[[0] [1 2 3 4] [5 6 7 8] [9 10]]" {
			t.Fatalf("the batches are %s", got)
		}
		if q.Do(t.Context(), 0, size, limit, r.work) != nil {
			t.Fatal("the queue stays full")
		}
	})
}

func TestCallerThatLeavesLeavesItsItemAndItsTurnToLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q batch.Queue[int]
		var r recorder
		var group sync.WaitGroup
		defer group.Wait()
		group.Go(func() { _ = q.Do(t.Context(), 0, size, limit, r.work) })
		synctest.Wait()
		ctx, leave := context.WithTimeout(t.Context(), time.Second/2)
		defer leave()
		begin := time.Now()
		if err := q.Do(ctx, 1, size, limit, r.work); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second/2 {
			t.Fatalf("after %v: %v, want the caller's own end", time.Since(begin), err)
		}
		if err := q.Do(t.Context(), 2, size, limit, r.work); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.batches); got != "[[0] [1 2]]" {
			t.Fatalf("the batches are %s", got)
		}
	})
}

func TestPanicInWorkReleasesTheOthersAndPassesTheLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q batch.Queue[int]
		var r recorder
		var panics int
		work := func(items []int) {
			r.work(items)
			if items[0] == 1 {
				panic("oh")
			}
		}
		var group sync.WaitGroup
		for i := range 7 {
			group.Go(func() {
				defer func() {
					if recover() != nil {
						panics++
					}
				}()
				_ = q.Do(t.Context(), i, size, limit, work)
			})
			synctest.Wait()
		}
		group.Wait()
		if got := fmt.Sprint(r.batches); got != "[[0] [1 2 3 4] [5 6]]" || panics != 1 {
			t.Fatalf("the batches are %s, %d callers panicked", got, panics)
		}
	})
}

func TestEveryItemIsWorkedOnOnceAndInItsCallersOrder(t *testing.T) {
	const callers, each = 16, 500
	type item struct{ caller, n int }
	var q batch.Queue[item]
	var last [callers]int
	working := false
	work := func(items []item) {
		if working || len(items) == 0 || len(items) > size {
			t.Errorf("%d items, while another batch is under way: %v", len(items), working)
		}
		working = true
		for _, i := range items {
			if i.n != last[i.caller]+1 {
				t.Errorf("item %d of caller %d comes after %d", i.n, i.caller, last[i.caller])
			}
			last[i.caller] = i.n
		}
		runtime.Gosched()
		working = false
	}
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for n := range each {
				if q.Do(t.Context(), item{caller, n + 1}, size, callers, work) != nil || last[caller] != n+1 {
					t.Errorf("item %d of caller %d is not done", n+1, caller)
				}
			}
		})
	}
	group.Wait()
}
