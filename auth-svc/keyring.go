package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token"
)

// Key is a signing key as it is stored. All stored keys verify; see keyring.signing for the one that signs. A rotation is
// to add the key of the next number, and to remove the old one when its last token has died.
type Key struct {
	Number    int64 // from 1; two replicas cannot both add one
	ID        string
	Seed      []byte // of the Ed25519 private key
	CreatedAt chat.Time
}

const (
	keysEvery     = 15 * time.Second
	keyAnnounced  = time.Minute // a new key is in all verifiers by then, which pull every 5 s, and in all keyrings
	secretLen     = 32
	refreshSecret = "refresh" // the name of the secret that refresh tokens derive from
)

// keyring holds the stored keys in memory.
type keyring struct {
	repo    Repository
	refresh []byte // the secret of the refresh tokens

	mu   sync.RWMutex
	keys []Key // newest first, never empty
}

// newKeyring loads the keys, and makes them on the first start of all; several replicas may start at once.
func newKeyring(ctx context.Context, repo Repository) (*keyring, error) {
	k := &keyring{repo: repo}
	if err := k.load(ctx); err != nil {
		return nil, err
	}
	if len(k.keys) == 0 {
		first := Key{Number: 1, ID: id.New(), Seed: randomBytes(ed25519.SeedSize), CreatedAt: chat.Now()}
		if err := repo.AddKey(ctx, first); err != nil && !errors.Is(err, ErrStale) {
			return nil, err
		}
		if err := k.load(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	k.refresh, err = repo.Secret(ctx, refreshSecret, randomBytes(secretLen))
	return k, err
}

func (k *keyring) load(ctx context.Context) error {
	keys, err := k.repo.Keys(ctx)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = keys
	return nil
}

// run takes up keys that others add, until ctx ends.
func (k *keyring) run(ctx context.Context, log *slog.Logger) {
	every(ctx, keysEvery, func() {
		if err := k.load(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "signing keys not refreshed", "error", err.Error())
		}
	})
}

// signing returns the newest key that every verifier knows: one that is alone, or older than keyAnnounced.
func (k *keyring) signing(now time.Time) token.SigningKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for _, key := range k.keys {
		if now.Sub(key.CreatedAt.Time) >= keyAnnounced {
			return signingKey(key)
		}
	}
	return signingKey(k.keys[len(k.keys)-1])
}

// public returns the key set that verifies tokens.
func (k *keyring) public() peer.JWKS {
	k.mu.RLock()
	defer k.mu.RUnlock()
	set := peer.JWKS{Keys: make([]peer.JWK, len(k.keys))}
	for i, key := range k.keys {
		set.Keys[i] = signingKey(key).JWK()
	}
	return set
}

func signingKey(k Key) token.SigningKey {
	return token.SigningKey{ID: k.ID, Private: ed25519.NewKeyFromSeed(k.Seed)}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// every calls f each period until ctx ends.
func every(ctx context.Context, period time.Duration, f func()) {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			f()
		}
	}
}
