//go:build !chaos

package clock

import "time"

// Now is the present moment.
func Now() time.Time { return time.Now() }
