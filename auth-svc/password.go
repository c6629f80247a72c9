package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/argon2"

	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
)

// Bounds of a new password, on all routes. Any characters will do, and there are no rules about which.
const (
	minPassword = 8   // characters
	maxPassword = 128 // bytes
)

// newPassword wants a password that is neither too short nor too long.
func newPassword(field, password string) error {
	if err := check.Text(field, password, maxPassword); err != nil {
		return err
	}
	if utf8.RuneCountInString(password) < minPassword {
		return fault.BadField(field, fmt.Sprintf("Your password must have at least %d characters.", minPassword))
	}
	return nil
}

// argonCost is what an argon2id hash costs.
type argonCost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// presentCost is the least that OWASP asks for. When it rises, each hash is made anew at its user's next login.
// See https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html.
var presentCost = argonCost{memory: 19 << 10, passes: 2, threads: 1}

const (
	saltLen = 16 // bytes
	hashLen = 32
)

// hasher hashes passwords, as many at once as there are processors: each hash takes one of them and argonCost.memory.
type hasher struct {
	slots   chan struct{}
	seconds prometheus.Histogram
	nobody  string // the hash of a password that nobody knows
}

func newHasher(registerer prometheus.Registerer) *hasher {
	h := &hasher{slots: make(chan struct{}, runtime.GOMAXPROCS(0)), seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "confab_password_hash_duration_seconds",
		Help:    "Time to hash a password, without the wait for a free processor.",
		Buckets: []float64{.01, .02, .03, .05, .1, .2, .5, 1},
	})}
	registerer.MustRegister(h.seconds)
	h.nobody = presentCost.encode(randomBytes(saltLen), randomBytes(hashLen))
	return h
}

// hash returns the password's hash in PHC format. It returns the context's error where no processor becomes free in time.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := randomBytes(saltLen)
	sum, err := h.sum(ctx, presentCost, password, salt)
	if err != nil {
		return "", err
	}
	return presentCost.encode(salt, sum), nil
}

// verify reports whether the password has the hash, and whether that is of another cost than hashes made today.
func (h *hasher) verify(ctx context.Context, hash, password string) (ok, outdated bool, err error) {
	cost, salt, want, err := decodeHash(hash)
	if err != nil {
		return false, false, err
	}
	got, err := h.sum(ctx, cost, password, salt)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, cost != presentCost, nil
}

// verifyNobody does the work of verify for a user who does not exist.
func (h *hasher) verifyNobody(ctx context.Context, password string) error {
	_, _, err := h.verify(ctx, h.nobody, password)
	return err
}

func (h *hasher) sum(ctx context.Context, cost argonCost, password string, salt []byte) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	start := time.Now()
	defer func() { h.seconds.Observe(time.Since(start).Seconds()) }()
	return argon2.IDKey([]byte(password), salt, cost.passes, cost.memory, cost.threads, hashLen), nil
}

const phcFormat = "$argon2id$v=%d$m=%d,t=%d,p=%d$"

func (c argonCost) encode(salt, sum []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf(phcFormat, argon2.Version, c.memory, c.passes, c.threads) + b64(salt) + "$" + b64(sum)
}

func decodeHash(hash string) (cost argonCost, salt, sum []byte, err error) {
	var version int
	if _, err := fmt.Sscanf(hash, phcFormat, &version, &cost.memory, &cost.passes, &cost.threads); err != nil {
		return cost, nil, nil, fmt.Errorf("a stored password hash is of no known format: %w", err)
	}
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || version != argon2.Version || cost.passes == 0 || cost.threads == 0 {
		return cost, nil, nil, fmt.Errorf("a stored password hash has %d parts and version %d", len(parts), version)
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	sum, sumErr := base64.RawStdEncoding.DecodeString(parts[5])
	return cost, salt, sum, errors.Join(saltErr, sumErr)
}
