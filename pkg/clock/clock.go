// Package clock is the wall clock. In programs built with the tag chaos it can be wrong.
package clock

// Variable says in the environment of such a program by how much, as a Go duration; empty: by nothing.
const Variable = "CONFAB_CHAOS_CLOCK"
