package peer_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

var (
	oldKey = []byte("an old secret of the services, going")
	newKey = []byte("a new secret of the services, coming")
)

func TestInternalRouteNeedsTheServicesToken(t *testing.T) {
	called := false
	s := callee(t, func(ctx context.Context, _ peer.LastRequest) (peer.Lasts, error) {
		called = identity.UserID(ctx) == "ann"
		return peer.Lasts{}, nil
	})
	right := keys[0]
	hs256 := jwt.SigningMethodHS256
	for name, test := range map[string]struct {
		token string
		want  int
	}{
		"the right one":             {token(t, hs256, right, func(*jwt.RegisteredClaims) {}), 200},
		"none":                      {"", 401},
		"garbage":                   {"a.b.c", 401},
		"another service's":         {token(t, hs256, right, func(c *jwt.RegisteredClaims) { c.Audience = jwt.ClaimStrings{peer.AuthService} }), 401},
		"one for nobody":            {token(t, hs256, right, func(c *jwt.RegisteredClaims) { c.Audience = nil }), 401},
		"an expired one":            {token(t, hs256, right, func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-16 * time.Minute)) }), 401},
		"one of a clock that lags":  {token(t, hs256, right, func(c *jwt.RegisteredClaims) { c.ExpiresAt = jwt.NewNumericDate(time.Now().Add(-14 * time.Minute)) }), 200},
		"one that never expires":    {token(t, hs256, right, func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil }), 401},
		"one under another key":     {token(t, hs256, newKey, func(*jwt.RegisteredClaims) {}), 401},
		"one of another algorithm":  {token(t, jwt.SigningMethodHS512, right, func(*jwt.RegisteredClaims) {}), 401},
		"one that is not signed":    {token(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, func(*jwt.RegisteredClaims) {}), 401},
		"one whose end is cut away": {strings.TrimRight(token(t, hs256, right, func(*jwt.RegisteredClaims) {}), "=")[:100], 401},
	} {
		t.Run(name, func(t *testing.T) {
			called = false
			answer := servertest.Call(t, http.MethodPost, s.URL+peer.PathLast, test.token, map[string]any{})
			if answer.Status != test.want || called != (test.want == http.StatusOK) {
				t.Fatalf("called: %v, answered %+v", called, answer)
			}
		})
	}
}

func TestKeysAreChangedOneServiceAfterAnother(t *testing.T) {
	for name, test := range map[string]struct {
		caller, callee peer.Keys
		want           bool
	}{
		"nobody has the new key":        {peer.Keys{oldKey}, peer.Keys{oldKey}, true},
		"the callee verifies it":        {peer.Keys{oldKey}, peer.Keys{oldKey, newKey}, true},
		"the caller signs with it":      {peer.Keys{newKey, oldKey}, peer.Keys{oldKey, newKey}, true},
		"the caller forgets the old":    {peer.Keys{newKey}, peer.Keys{newKey, oldKey}, true},
		"the callee forgets it too":     {peer.Keys{newKey}, peer.Keys{newKey}, true},
		"the caller was too fast":       {peer.Keys{newKey, oldKey}, peer.Keys{oldKey}, false},
		"the callee forgot it too soon": {peer.Keys{oldKey, newKey}, peer.Keys{newKey}, false},
		"a callee without keys":         {peer.Keys{oldKey}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			lock := peer.Lock{Service: peer.AuthService, Keys: test.callee}
			s := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, err := lock.Verify(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
				if fault.From(err).Kind == fault.Unauthenticated {
					w.WriteHeader(http.StatusUnauthorized)
				}
				_, _ = w.Write([]byte(`{}`))
			}))
			if _, err := peer.NewAuth(s.URL, test.caller).Keys(t.Context(), peer.KeysRequest{}); (err == nil) != test.want {
				t.Fatalf("the error is %v", err)
			}
		})
	}
}

func TestSecretsMustBeLong(t *testing.T) {
	long := strings.Repeat("x", 32)
	for secrets, want := range map[string]int{
		long: 1, long + ", " + long + "y": 2, long + ",": 1,
		"": 0, ",": 0, long[1:]: 0, long + ",short": 0,
	} {
		got, err := peer.ParseKeys(config.Secret(secrets))
		if len(got) != want || (err == nil) != (want > 0) {
			t.Errorf("%q gives %d keys, %v", secrets, len(got), err)
		}
		if err != nil && strings.Contains(err.Error(), long[1:]) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}
