// Package id makes and checks the identifiers of users, conversations and messages.
package id

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"

	"github.com/confab-chat/confab/pkg/clock"
)

// MaxLen is the longest identifier accepted anywhere, in bytes.
const MaxLen = 64

var (
	process = randomBytes(5)
	counter = newCounter()
)

// New returns a new identifier: a MongoDB ObjectID in hex, 24 characters, which sorts by the second of its making.
// See https://www.mongodb.com/docs/manual/reference/bson-types/#objectid.
func New() string {
	var b [12]byte
	binary.BigEndian.PutUint32(b[0:4], uint32(clock.Now().Unix()))
	copy(b[4:9], process)
	n := counter.Add(1)
	b[9], b[10], b[11] = byte(n>>16), byte(n>>8), byte(n)
	return hex.EncodeToString(b[:])
}

// Valid reports whether s may be an identifier: 1 to MaxLen of A-Z a-z 0-9 _ - .
func Valid(s string) bool {
	if s == "" || len(s) > MaxLen {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}

func newCounter() *atomic.Uint32 {
	var c atomic.Uint32
	c.Store(binary.BigEndian.Uint32(randomBytes(4)))
	return &c
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}
