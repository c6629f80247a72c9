package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/confab-chat/confab/pkg/clock"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/identity"
)

const (
	serviceTokenLife = time.Minute
	clockSlack       = 15 * time.Minute // by which the clocks of two services may differ
	minKeyLen        = 32               // bytes, as RFC 7518 asks for HS256
)

// Keys are the secrets shared by the services: the first signs, all verify, so that they can be changed one service after another.
type Keys [][]byte

// ParseKeys takes comma-separated secrets. It returns an error where there is none or one is short.
func ParseKeys(secrets config.Secret) (Keys, error) {
	var list config.List
	_ = list.Set(string(secrets)) // a list takes any text
	if len(list) == 0 {
		return nil, errors.New("-service-keys is empty: give each service the same secret of at least 32 characters")
	}
	var keys Keys
	for _, secret := range list {
		if len(secret) < minKeyLen {
			return nil, fmt.Errorf("-service-keys: a secret has %d characters, at least %d are needed", len(secret), minKeyLen)
		}
		keys = append(keys, []byte(secret))
	}
	return keys, nil
}

// Token makes a token for one request to the service, in the name of the acting user; empty: nobody's. It returns an error where there is no key.
func (k Keys) Token(service, userID string) (string, error) {
	now := clock.Now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Audience: jwt.ClaimStrings{service}, Subject: userID,
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(serviceTokenLife)),
	}).SignedString(k[0])
}

// Lock verifies the tokens of requests to one service. It is a httpkit.Verifier.
type Lock struct {
	Service string
	Keys    Keys
}

// Verify returns whom the calling service acts for, or an Unauthenticated fault.
func (l Lock) Verify(_ context.Context, token string) (identity.Identity, error) {
	err := errors.New("no key")
	for _, key := range l.Keys {
		var claims jwt.RegisteredClaims
		_, err = jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return key, nil },
			jwt.WithValidMethods([]string{"HS256"}), jwt.WithAudience(l.Service), jwt.WithExpirationRequired(), jwt.WithLeeway(clockSlack), jwt.WithTimeFunc(clock.Now))
		if err == nil {
			return identity.Identity{UserID: claims.Subject}, nil
		}
	}
	return identity.Identity{}, fault.New(fault.Unauthenticated, "service_token", "The service token is missing or wrong.").Because(err)
}
