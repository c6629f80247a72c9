// Package guard names what keeps events from being lost, doubled or late. Programs built with the tag chaos can run without one of them, so
// that e2e/chaos can show that it would be missed; in all others each guard is on, and nothing can switch it off.
package guard

// Variable names the guard that is off, in the environment of a program that is built for chaos; empty: none is.
const Variable = "CONFAB_CHAOS_OFF"

// Guard is one of them.
type Guard string

// The guards.
const (
	Sequencer     Guard = "sequencer"      // a gateway passes a conversation's events in order, each once, and fetches what is missing
	Log           Guard = "log"            // what a socket has missed comes from Redis, not from the database
	PositionCheck Guard = "position-check" // gateways compare positions, every 30 s and when events may have been lost
	Probe         Guard = "probe"          // a subscription to Redis that has gone silent is found out
	Resume        Guard = "resume"         // a join gets the events after its rev
	HeadRepair    Guard = "head-repair"    // the inbox catches up where it was not told of messages
)
