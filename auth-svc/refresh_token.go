package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/confab-chat/confab/pkg/id"
)

// A refresh token is SESSION.GENERATION.MAC. It is not stored anywhere: whoever has the secret can make it again, so a
// rotated token can be answered with the current one.

// refreshToken returns the token of a session's generation.
func (k *keyring) refreshToken(sessionID string, generation int64) string {
	mac := hmac.New(sha256.New, k.refresh)
	fmt.Fprintf(mac, "confab refresh token %s %d", sessionID, generation)
	return fmt.Sprintf("%s.%d.%s", sessionID, generation, base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

// readRefreshToken returns what the token is of; false where it was not made with the secret.
func (k *keyring) readRefreshToken(token string) (sessionID string, generation int64, ok bool) {
	head, _, ok := cutLast(token)
	if !ok {
		return "", 0, false
	}
	sessionID, number, ok := cutLast(head)
	if !ok || !id.Valid(sessionID) {
		return "", 0, false
	}
	generation, err := strconv.ParseInt(number, 10, 64)
	if err != nil || generation < 1 || !hmac.Equal([]byte(token), []byte(k.refreshToken(sessionID, generation))) {
		return "", 0, false
	}
	return sessionID, generation, true
}

// cutLast cuts s around its last dot.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}
