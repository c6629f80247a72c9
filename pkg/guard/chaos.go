//go:build chaos

package guard

import (
	"fmt"
	"os"
)

var off = Guard(os.Getenv(Variable))

func init() {
	fmt.Fprintf(os.Stderr, "This program is built for chaos, not for use. The guard that is off: %q.\n", off)
}

// Off reports whether the guard is off.
func Off(g Guard) bool { return g == off }
