package token_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token"
)

// auth stands in for auth-svc.
type auth struct {
	peer.Auth // the rest is not asked

	mu    sync.Mutex
	keys  []peer.JWK
	ended []chat.SessionEvent
	pages map[string]peer.Revocations // by a request's After, in place of ended
	asked []peer.RevocationsRequest   // by the pulls of revocations
	err   error
	ahead time.Duration // its clock
}

func (a *auth) Keys(context.Context, peer.KeysRequest) (peer.JWKS, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return peer.JWKS{Keys: a.keys}, a.err
}

func (a *auth) Revocations(_ context.Context, r peer.RevocationsRequest) (peer.Revocations, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, r)
	if a.pages != nil {
		page, ok := a.pages[r.After]
		if !ok {
			return peer.Revocations{}, errors.New("out of reach")
		}
		return page, nil
	}
	return peer.Revocations{Sessions: a.ended, Now: chat.TimeOf(time.Now().Add(a.ahead))}, a.err
}

func (a *auth) set(change func(a *auth)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

func newKey(t *testing.T, id string) token.SigningKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return token.SigningKey{ID: id, Private: private}
}

// pull is when the verifier has pulled again.
const pull = 5*time.Second + time.Millisecond

var ada = token.Claims{UserID: "ada", SessionID: "sid-1", Role: "Member"}

func sign(t *testing.T, k token.SigningKey, ttl time.Duration) string {
	t.Helper()
	signed, err := k.Sign(ada, time.Now(), ttl)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// running runs a test beside a verifier that Run keeps fresh, in the test's own time.
func running(t *testing.T, a *auth, test func(t *testing.T, v *token.Verifier, b broker.Broker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := broker.NewMemory()
		v := token.NewVerifier(&peer.Peers{Auth: a}, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			v.Run(ctx, b)
			close(done)
		}()
		synctest.Wait()
		defer func() {
			stop()
			<-done
		}()
		test(t, v, b)
	})
}

func wantKind(t *testing.T, v *token.Verifier, signed string, kind fault.Kind) {
	t.Helper()
	if _, err := v.Verify(t.Context(), signed); err == nil || fault.From(err).Kind != kind {
		t.Errorf("verify: %v, want %s", err, kind)
	}
}

func wantAccepted(t *testing.T, v *token.Verifier, signed string) {
	t.Helper()
	who, err := v.Verify(t.Context(), signed)
	if err != nil || who.UserID != "ada" || who.SessionID != "sid-1" || who.Role != "Member" || !who.ExpiresAt.After(v.Now()) {
		t.Errorf("verify: %+v, %v", who, err)
	}
}

func TestATokenThatIsNotOursIsRefused(t *testing.T) {
	key, stranger := newKey(t, "k1"), newKey(t, "k1")
	other := newKey(t, "k2")
	running(t, &auth{keys: []peer.JWK{key.JWK()}}, func(t *testing.T, v *token.Verifier, _ broker.Broker) {
		good := sign(t, key, time.Hour)
		parts := strings.Split(good, ".")
		standard := func(change func(c *token.Claims)) token.Claims {
			c := ada
			c.RegisteredClaims = jwt.RegisteredClaims{
				Issuer: token.Issuer, Audience: jwt.ClaimStrings{token.Audience}, Subject: "ada",
				ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour)),
			}
			change(&c)
			return c
		}
		with := func(method jwt.SigningMethod, key any, c token.Claims) string {
			unsigned := jwt.NewWithClaims(method, c)
			unsigned.Header["kid"] = "k1"
			signed, err := unsigned.SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			return signed
		}
		ed := func(change func(c *token.Claims)) string {
			return with(jwt.SigningMethodEdDSA, key.Private, standard(change))
		}
		same := func(*token.Claims) {}
		wantAccepted(t, v, good)
		wantAccepted(t, v, ed(same))
		for name, bad := range map[string]string{
			"empty": "", "no token": "hello", "two parts": parts[0] + "." + parts[1], "without signature": parts[0] + "." + parts[1] + ".",
			"another's signature": sign(t, stranger, time.Hour), "an unknown key": sign(t, other, time.Hour),
			"expired":               sign(t, key, -time.Second),
			"the algorithm none":    with(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, standard(same)),
			"HS256 with our key":    with(jwt.SigningMethodHS256, []byte(key.Private.Public().(ed25519.PublicKey)), standard(same)),
			"another issuer":        ed(func(c *token.Claims) { c.Issuer = "evil" }),
			"another audience":      ed(func(c *token.Claims) { c.Audience = jwt.ClaimStrings{"message-svc"} }),
			"no expiry":             ed(func(c *token.Claims) { c.ExpiresAt = nil }),
			"not valid yet":         ed(func(c *token.Claims) { c.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Minute)) }),
			"claims of another one": parts[0] + "." + strings.Split(sign(t, other, time.Hour), ".")[1] + "." + parts[2],
		} {
			if _, err := v.Verify(t.Context(), bad); err == nil || fault.From(err).Kind != fault.Unauthenticated {
				t.Errorf("%s: %v, want %s", name, err, fault.Unauthenticated)
			}
		}
	})
}

func TestATokenThatWasGoodExpires(t *testing.T) {
	key := newKey(t, "k1")
	running(t, &auth{keys: []peer.JWK{key.JWK()}}, func(t *testing.T, v *token.Verifier, _ broker.Broker) {
		signed := sign(t, key, time.Minute)
		wantAccepted(t, v, signed)
		time.Sleep(time.Minute)
		wantKind(t, v, signed, fault.Unauthenticated)
	})
}

func TestWithoutKeysNobodyIsJudged(t *testing.T) {
	key := newKey(t, "k1")
	a := &auth{keys: []peer.JWK{key.JWK()}, err: errors.New("down")}
	running(t, a, func(t *testing.T, v *token.Verifier, _ broker.Broker) {
		signed := sign(t, key, time.Hour)
		if v.Ready() == nil {
			t.Error("ready without keys")
		}
		wantKind(t, v, signed, fault.Unavailable)
		wantKind(t, v, "hello", fault.Unavailable)
		a.set(func(a *auth) { a.err = nil })
		time.Sleep(time.Second)
		if err := v.Ready(); err != nil {
			t.Error(err)
		}
		wantAccepted(t, v, signed)
		a.set(func(a *auth) { a.err = errors.New("down again") })
		time.Sleep(time.Minute)
		wantAccepted(t, v, signed)
	})
}

func TestARevokedSessionIsFoundByAPull(t *testing.T) {
	key := newKey(t, "k1")
	a := &auth{keys: []peer.JWK{key.JWK()}}
	running(t, a, func(t *testing.T, v *token.Verifier, _ broker.Broker) {
		start := time.Now()
		signed := sign(t, key, time.Hour)
		wantAccepted(t, v, signed)
		a.set(func(a *auth) {
			a.ended = []chat.SessionEvent{{Type: chat.SessionEnded, SessionID: "sid-1", ExpiresAt: chat.TimeOf(time.Now().Add(time.Hour))}}
		})
		time.Sleep(pull)
		wantKind(t, v, signed, fault.Unauthenticated)
		if !v.Revoked("sid-1") || v.Revoked("sid-2") {
			t.Error("Revoked is wrong")
		}
		a.set(func(a *auth) { a.ended = nil }) // told once: it must be remembered
		time.Sleep(30 * time.Minute)
		if !v.Revoked("sid-1") {
			t.Error("forgotten while its tokens live")
		}
		time.Sleep(time.Hour)
		if v.Revoked("sid-1") {
			t.Error("remembered although its tokens are dead")
		}
		a.set(func(a *auth) {
			if !a.asked[0].Since.IsZero() || !a.asked[1].Since.Equal(start.Add(-time.Minute)) {
				t.Errorf("the first pulls ask for %v and %v, want all, and then with an overlap of a minute", a.asked[0], a.asked[1])
			}
		})
	})
}

// now is by auth-svc's clock, and when each bubble begins.
var now = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// page is an answer to a request at so many minutes after now, with one session; next is the After that leads to the one behind it.
func page(minutes int, sessionID, next string) peer.Revocations {
	p := peer.Revocations{
		Sessions: []chat.SessionEvent{{SessionID: sessionID, ExpiresAt: chat.TimeOf(now.Add(time.Hour))}},
		Now:      chat.TimeOf(now.Add(time.Duration(minutes) * time.Minute)),
	}
	if next != "" {
		p.Next = &peer.RevocationsRequest{Since: chat.TimeOf(now), After: next}
	}
	return p
}

func TestAllPagesOfRevokedSessionsArePulledFirstAndThenTheChanges(t *testing.T) {
	key := newKey(t, "k1")
	a := &auth{keys: []peer.JWK{key.JWK()}, pages: map[string]peer.Revocations{
		"": page(0, "one", "a"), "a": page(2, "two", "b"), "b": page(4, "sid-1", ""),
	}}
	running(t, a, func(t *testing.T, v *token.Verifier, _ broker.Broker) {
		wantKind(t, v, sign(t, key, time.Hour), fault.Unauthenticated)
		if !v.Revoked("one") || !v.Revoked("two") {
			t.Error("a page was passed over")
		}
		time.Sleep(pull)
		want := []peer.RevocationsRequest{
			{}, {Since: chat.TimeOf(now), After: "a"}, {Since: chat.TimeOf(now), After: "b"},
			{Since: chat.TimeOf(now.Add(-time.Minute))}, // overlaps the first page: what ended since may sort before the last one
		}
		a.set(func(a *auth) {
			if !slices.Equal(a.asked[:4], want) {
				t.Errorf("asked for\n%v, want\n%v", a.asked, want)
			}
		})
	})
}

func TestNobodyIsJudgedBeforeTheLastPageOfRevokedSessions(t *testing.T) {
	key := newKey(t, "k1")
	a := &auth{keys: []peer.JWK{key.JWK()}, pages: map[string]peer.Revocations{"": page(0, "one", "a")}}
	running(t, a, func(t *testing.T, v *token.Verifier, _ broker.Broker) {
		signed := sign(t, key, time.Hour)
		time.Sleep(pull)
		wantKind(t, v, signed, fault.Unavailable)
		a.set(func(a *auth) { a.pages["a"] = page(0, "two", "") })
		time.Sleep(time.Second)
		wantAccepted(t, v, signed)
		a.set(func(a *auth) {
			a.pages[""] = page(5, "one", "a")
			a.pages["a"] = page(5, "sid-1", "b") // but b is out of reach
			a.asked = nil
		})
		time.Sleep(2 * pull)
		wantKind(t, v, signed, fault.Unauthenticated) // what was read counts
		a.set(func(a *auth) {
			if again := a.asked[len(a.asked)-3]; again != a.asked[0] {
				t.Errorf("after a failure it asks for %v, before for %v", again, a.asked[0])
			}
		})
	})
}

func TestTokensLiveByTheClockOfAuthSvc(t *testing.T) {
	key := newKey(t, "k1")
	for name, ahead := range map[string]time.Duration{"ours lags": 10 * time.Minute, "ours is fast": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			running(t, &auth{keys: []peer.JWK{key.JWK()}, ahead: ahead}, func(t *testing.T, v *token.Verifier, _ broker.Broker) {
				theirs := func(past, ttl time.Duration) string {
					signed, err := key.Sign(ada, time.Now().Add(ahead-past), ttl)
					if err != nil {
						t.Fatal(err)
					}
					return signed
				}
				living, dead := theirs(0, time.Minute), theirs(time.Minute, 50*time.Second)
				wantAccepted(t, v, living)
				wantKind(t, v, dead, fault.Unauthenticated)
				time.Sleep(time.Minute + time.Second)
				wantKind(t, v, living, fault.Unauthenticated) // though it was accepted before
			})
		})
	}
}

func TestARevokedSessionIsFoundByItsEventAtOnce(t *testing.T) {
	key := newKey(t, "k1")
	running(t, &auth{keys: []peer.JWK{key.JWK()}}, func(t *testing.T, v *token.Verifier, b broker.Broker) {
		signed := sign(t, key, time.Hour)
		wantAccepted(t, v, signed)
		for _, payload := range []string{"no JSON", "{}", `{"session_id":1}`} {
			_ = b.Publish(t.Context(), chat.SessionsChannel, []byte(payload))
		}
		payload, _ := json.Marshal(chat.SessionEvent{SessionID: "sid-1", ExpiresAt: chat.TimeOf(time.Now().Add(time.Hour))})
		_ = b.Publish(t.Context(), chat.SessionsChannel, payload)
		synctest.Wait()
		wantKind(t, v, signed, fault.Unauthenticated)
	})
}

func TestKeysAreRotated(t *testing.T) {
	old, next := newKey(t, "k1"), newKey(t, "k2")
	a := &auth{keys: []peer.JWK{old.JWK()}}
	running(t, a, func(t *testing.T, v *token.Verifier, _ broker.Broker) {
		wantKind(t, v, sign(t, next, time.Hour), fault.Unauthenticated)
		a.set(func(a *auth) { a.keys = []peer.JWK{old.JWK(), next.JWK()} })
		time.Sleep(pull)
		wantAccepted(t, v, sign(t, old, time.Hour))
		wantAccepted(t, v, sign(t, next, time.Hour))
		byOld := sign(t, old, time.Hour)
		wantAccepted(t, v, byOld)
		a.set(func(a *auth) { a.keys = []peer.JWK{next.JWK()} })
		time.Sleep(pull)
		wantKind(t, v, byOld, fault.Unauthenticated) // though it was accepted before
		a.set(func(a *auth) { a.keys = []peer.JWK{{KeyID: "broken", X: "!"}} })
		time.Sleep(pull)
		wantAccepted(t, v, sign(t, next, time.Hour)) // the last good set stays
	})
}
