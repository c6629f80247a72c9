package realtime

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

var (
	walks = flag.Int("walks", 16, "random walks of TestResumeKeepsItsPromiseOnRandomWalks, `n`")
	steps = flag.Int("steps", 120, "steps of each walk, `n`")
	seed  = flag.Uint64("seed", 0, "`seed` of the first walk; 0 for any. The next walk takes the next one")
)

// Devices join, leave, drop, sleep and come back over two replicas that are drained and killed, while people write, change, delete, come
// and go, and the broker loses what it likes. At no time does a device skip what its user may see, get anything twice, out of order, or
// that is not for her; and once all is well again it has everything. Run one walk again by -seed N -walks 1, many by -walks 2000.
func TestResumeKeepsItsPromiseOnRandomWalks(t *testing.T) {
	first := *seed
	if first == 0 {
		first = uint64(rand.Uint32())
	}
	var total tally
	for i := range uint64(*walks) {
		t.Run(fmt.Sprintf("seed %d", first+i), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWalk(t, first+i)
				defer w.close()
				for range *steps {
					if w.oracle.failed() {
						return
					}
					w.step()
				}
				w.heal()
				w.add(&total)
			})
		})
	}
	t.Logf("%+v", total)
}

// heal makes all well again, and wants every device to have everything after the time that a lost event takes to be found.
func (w *walk) heal() {
	w.broker.bad.Store(false)
	w.setFeed(true)
	w.background.Wait()
	for _, id := range w.conversations {
		w.world.store(id, "nobody", "the last publish is lost")
	}
	time.Sleep(checkEvery + checkPause + inboxEvery + (maxOrders+2)*maxSleep) // a device may sleep at first, and once more as it connects
	w.stopDevices()
	for _, d := range w.devices {
		d.missing()
	}
}
