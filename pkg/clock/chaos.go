//go:build chaos

package clock

import (
	"os"
	"time"
)

var moved, _ = time.ParseDuration(os.Getenv(Variable))

// Now is the present moment, as a clock shows it that goes wrong.
func Now() time.Time { return time.Now().Add(moved) }
