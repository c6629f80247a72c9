package realtime

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/drain"
)

func of(c class, bytes int) frame {
	return frame{kind: "test", class: c, data: []byte(strings.Repeat("x", bytes))}
}

// sizes takes all frames from the queue.
func sizes(q *queue) []int {
	var list []int
	for {
		f, _ := q.take()
		if f.data == nil {
			return list
		}
		q.wrote(f)
		list = append(list, len(f.data))
	}
}

func TestAFullQueueDropsWhatMayBeDroppedFirst(t *testing.T) {
	var total atomic.Int64
	q := newQueue(100, &total)
	q.put(of(droppable, 40))
	q.put(of(droppable, 20)) // above half: dropped
	if !q.put(of(eventful, 60)) || total.Load() != 100 {
		t.Fatalf("%d bytes wait, want 100", total.Load())
	}
	if !q.put(of(eventful, 30)) {
		t.Error("an event found no room where typing could make some")
	}
	if q.put(of(eventful, 20)) {
		t.Error("an event found room that is not there")
	}
	if q.put(of(essential, 50)); q.ending() != nil {
		t.Error("the reserve was not used")
	}
	if got := sizes(q); len(got) != 3 || got[0] != 60 || got[1] != 30 || got[2] != 50 || total.Load() != 0 {
		t.Errorf("the queue held %v, and %d bytes are left", got, total.Load())
	}
	if !q.put(of(eventful, 500)) {
		t.Error("an empty queue has no room for a large event")
	}
}

func TestAQueueWithoutRoomForAReplyEnds(t *testing.T) {
	var total atomic.Int64
	q := newQueue(100, &total)
	q.put(of(essential, 100+queueReserve))
	q.put(of(essential, 1))
	if q.ending() != endTooSlow {
		t.Errorf("the queue ended as %v", q.ending())
	}
	q.put(of(essential, 1))
	q.discard()
	if total.Load() != 0 {
		t.Errorf("%d bytes are left", total.Load())
	}
}

func TestAnEndedQueueIsFlushedOrNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var total atomic.Int64
		for e, want := range map[*ending]int{endRestart: 2, endSession: 0} {
			q := newQueue(100, &total)
			q.put(of(eventful, 1))
			q.put(of(eventful, 2))
			q.finish(e)
			q.finish(endLost) // the first counts
			q.put(of(eventful, 3))
			if got := sizes(q); len(got) != want {
				t.Errorf("%s: the writer got %v", e.reason, got)
			}
			if _, ended := q.take(); ended != e {
				t.Errorf("the queue ended as %v, want %v", ended, e)
			}
		}
		q := newQueue(100, &total)
		q.put(of(eventful, 1))
		q.finish(endRestart)
		time.Sleep(flushWait + time.Millisecond)
		if f, ended := q.take(); f.data != nil || ended != endRestart {
			t.Error("a client that takes too long is waited for")
		}
	})
}

func TestWaitingForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var total atomic.Int64
		q := newQueue(100, &total)
		for range 10 {
			q.put(of(eventful, 10))
		}
		if q.offer(of(eventful, 1)) {
			t.Error("a full queue took an offer")
		}
		var waiting sync.WaitGroup
		var woken atomic.Int32
		for range 3 {
			waiting.Go(func() {
				if q.waitForRoom(t.Context()) == nil {
					woken.Add(1)
				}
			})
		}
		for range 4 {
			f, _ := q.take()
			q.wrote(f)
		}
		synctest.Wait()
		if woken.Load() != 0 {
			t.Error("woken above half")
		}
		f, _ := q.take()
		q.wrote(f)
		waiting.Wait()
		if woken.Load() != 3 {
			t.Errorf("%d of 3 were woken", woken.Load())
		}
		for range 5 {
			q.put(of(eventful, 10))
		}
		go q.finish(endSession)
		if q.waitForRoom(t.Context()) == nil {
			t.Error("room in a queue that has ended")
		}
	})
}

func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lanes
		var mu sync.Mutex
		var done []string
		work := func(name string) func() {
			return func() {
				time.Sleep(time.Second)
				mu.Lock()
				defer mu.Unlock()
				done = append(done, name)
			}
		}
		start := time.Now()
		for _, name := range []string{"a1", "b1", "a2", "b2", "a3"} {
			if l.add(name[:1], 3, work(name)) != nil {
				t.Fatalf("%s was refused", name)
			}
		}
		synctest.Wait()
		if l.add("a", 3, work("a4")) != nil || !errors.Is(l.add("a", 3, work("a5")), errTooManyPending) {
			t.Error("the lane holds not three that wait")
		}
		<-l.finish()
		if took := time.Since(start); took != 4*time.Second {
			t.Errorf("took %v, want 4 s: a lane's commands one after another, two lanes side by side", took)
		}
		if !errors.Is(l.add("c", 3, work("c")), drain.ErrStopping) {
			t.Error("finished lanes took a command")
		}
		if len(done) != 6 {
			t.Errorf("done %v", done)
		}
	})
}

func TestStoppedLanesForgetWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lanes
		done := 0
		for range 5 {
			_ = l.add("a", 9, func() {
				time.Sleep(time.Second)
				done++
			})
		}
		synctest.Wait()
		l.stop()
		if done != 1 {
			t.Errorf("%d were carried out, want the one under way", done)
		}
	})
}

func TestPendingCommandsAreBoundedInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lanes
		for i := range maxPending {
			if l.add(string(rune('a'+i)), 1, func() { time.Sleep(time.Second) }) != nil {
				t.Fatalf("command %d was refused", i)
			}
		}
		if !errors.Is(l.add("another", 1, func() {}), errTooManyPending) {
			t.Error("one more was taken")
		}
		<-l.finish()
	})
}
