package token

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/confab-chat/confab/pkg/clock"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
)

// cacheSize bounds each generation of verified tokens; checking a signature costs fifty times a look-up.
const cacheSize = 20_000

var (
	errRefused = fault.New(fault.Unauthenticated, "token_refused", "The access token is missing, wrong or expired.")
	errNoKeys  = fault.New(fault.Unavailable, "keys_unavailable", "Tokens cannot be verified yet. Try again.").After(time.Second)
)

// Verifier verifies users' tokens with keys and revocations that Run keeps fresh.
type Verifier struct {
	peers *peer.Peers
	log   *slog.Logger

	mu      sync.RWMutex
	keys    map[string]ed25519.PublicKey // nil until the first load
	revoked map[string]time.Time         // session id to when its last token dies by itself
	theirs  time.Time                    // what auth-svc's clock showed
	at      time.Time                    // when; zero before the first pull

	since time.Time // of the next pull of revocations; Run's alone

	cache *generations
}

// NewVerifier returns a Verifier that asks peers.Auth. It refuses to judge until Run has loaded the keys and all revocations.
func NewVerifier(peers *peer.Peers, log *slog.Logger) *Verifier {
	return &Verifier{peers: peers, log: log, revoked: map[string]time.Time{}, cache: newGenerations(cacheSize)}
}

// Ready returns an error until the keys and the revoked sessions have been loaded once.
func (v *Verifier) Ready() error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.keys == nil {
		return errors.New("the signing keys are not loaded yet")
	}
	return nil
}

// Verify returns whose token it is. A bad, expired or revoked one is Unauthenticated; before the first load all are Unavailable.
func (v *Verifier) Verify(_ context.Context, token string) (identity.Identity, error) {
	if err := v.Ready(); err != nil {
		return identity.Identity{}, errNoKeys.Because(err)
	}
	who, ok := v.cache.get(token)
	if !ok {
		var err error
		if who, err = v.parse(token); err != nil {
			return identity.Identity{}, errRefused.Because(err)
		}
		v.cache.put(token, who)
	}
	if !v.Now().Before(who.ExpiresAt) {
		return identity.Identity{}, errRefused.Because(jwt.ErrTokenExpired)
	}
	if v.Revoked(who.SessionID) {
		return identity.Identity{}, errRefused.Because(errors.New("the session has ended"))
	}
	return who, nil
}

// Now is the present moment by auth-svc's clock, as of the last pull: tokens live by that clock, so one that goes wrong elsewhere logs nobody
// out.
func (v *Verifier) Now() time.Time {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.at.IsZero() {
		return clock.Now()
	}
	return v.theirs.Add(clock.Now().Sub(v.at)) // which a clock that is set anew does not change
}

// Revoked reports whether the session has ended before its tokens have expired.
func (v *Verifier) Revoked(sessionID string) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	_, revoked := v.revoked[sessionID]
	return revoked
}

func (v *Verifier) parse(token string) (identity.Identity, error) {
	var claims Claims
	_, err := jwt.ParseWithClaims(token, &claims, v.key, jwt.WithValidMethods([]string{"EdDSA"}),
		jwt.WithIssuer(Issuer), jwt.WithAudience(Audience), jwt.WithExpirationRequired(), jwt.WithTimeFunc(v.Now))
	if err != nil {
		return identity.Identity{}, err
	}
	return identity.Identity{
		UserID: claims.Subject, SessionID: claims.SessionID, Role: claims.Role, ExpiresAt: claims.ExpiresAt.Time,
	}, nil
}

func (v *Verifier) key(t *jwt.Token) (any, error) {
	kid, _ := t.Header["kid"].(string)
	v.mu.RLock()
	defer v.mu.RUnlock()
	if key, ok := v.keys[kid]; ok {
		return key, nil
	}
	return nil, fmt.Errorf("no key %q", kid)
}

// generations is a bounded cache: when the young generation is full it becomes the old one, and what was old is forgotten.
type generations struct {
	mu         sync.Mutex
	size       int
	young, old map[string]identity.Identity
}

func newGenerations(size int) *generations {
	return &generations{size: size, young: map[string]identity.Identity{}}
}

func (g *generations) get(token string) (identity.Identity, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if who, ok := g.young[token]; ok {
		return who, true
	}
	who, ok := g.old[token]
	if ok {
		g.add(token, who)
	}
	return who, ok
}

func (g *generations) put(token string, who identity.Identity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.add(token, who)
}

func (g *generations) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.young, g.old = map[string]identity.Identity{}, nil
}

func (g *generations) add(token string, who identity.Identity) {
	if len(g.young) >= g.size {
		g.young, g.old = map[string]identity.Identity{}, g.young
	}
	g.young[token] = who
}
