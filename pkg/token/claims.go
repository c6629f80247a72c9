// Package token makes and verifies users' tokens: JWTs signed with Ed25519, verified offline by every service.
package token

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/confab-chat/confab/pkg/id"
	"github.com/confab-chat/confab/pkg/peer"
)

// The issuer and audience of every token.
const (
	Issuer   = "confab"
	Audience = "confab"
)

// Claims are a token's contents: the standard claims, the session, and what the tutorial's clients read.
type Claims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
	UserID    string `json:"_id"` // the subject again, by the tutorial's name
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Email     string `json:"email"`
	Role      string `json:"role"`
}

// SigningKey signs tokens. Its ID tells verifiers which public key to use.
type SigningKey struct {
	ID      string
	Private ed25519.PrivateKey
}

// Sign completes the claims with their standard part and returns the token, valid for ttl from now.
func (k SigningKey) Sign(c Claims, now time.Time, ttl time.Duration) (string, error) {
	c.RegisteredClaims = jwt.RegisteredClaims{
		Issuer: Issuer, Audience: jwt.ClaimStrings{Audience}, Subject: c.UserID, ID: id.New(),
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	t.Header["kid"] = k.ID
	return t.SignedString(k.Private)
}

// JWK returns the public half.
func (k SigningKey) JWK() peer.JWK {
	public := k.Private.Public().(ed25519.PublicKey)
	return peer.JWK{
		KeyType: "OKP", Curve: "Ed25519", Algorithm: "EdDSA", Use: "sig",
		KeyID: k.ID, X: base64.RawURLEncoding.EncodeToString(public),
	}
}

// publicKeys reads a key set. It returns an error that names the key it cannot read.
func publicKeys(set peer.JWKS) (map[string]ed25519.PublicKey, error) {
	keys := make(map[string]ed25519.PublicKey, len(set.Keys))
	for _, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize || k.Curve != "Ed25519" {
			return nil, fmt.Errorf("key %q is no Ed25519 key", k.KeyID)
		}
		keys[k.KeyID] = x
	}
	return keys, nil
}
