package broker

import "time"

// SlotOf is slotOf.
var SlotOf = slotOf

// ProbeEvery sets the time between two probes of the subscriptions opened from now on.
func (r *Redis) ProbeEvery(d time.Duration) { r.probeEvery = d }
