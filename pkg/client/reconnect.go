package client

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// Close codes that mean something to a client, beside those of RFC 6455. docs/protocol.md has all.
const (
	codeTokenExpired    = 4401
	codeNoToken         = 4402
	codeTooManyCommands = 4429
	codeTokenRefused    = 4503
)

// steady is how long a connection lasts after which the next failure counts as the first.
const steady = 10 * time.Second

// pace decides when to connect again.
type pace struct {
	attempt int           // failures in a row
	refused int           // handshakes in a row that were answered 503 and the like
	renewed bool          // the token was renewed because the server refused it
	token   string        // that of the last connection
	window  time.Duration // within which the last server wanted the client back
}

func (p *pace) next() time.Duration {
	pause := jitter(p.attempt)
	p.attempt++
	return pause
}

// afterRefusal is quick the first time: another replica may answer.
func (p *pace) afterRefusal(e *Error) time.Duration {
	p.refused++
	if p.refused == 1 {
		return jitter(0)
	}
	return min(e.RetryAfter, maxRetryAfter) + p.next()
}

// after says what follows a connection's end: a pause and the next one, or the error with which Run ends.
func (s *Socket) after(ctx context.Context, err error, p *pace) (time.Duration, error) {
	if _, impostor := errors.AsType[*tls.CertificateVerificationError](err); impostor || errors.Is(err, ErrNoSession) {
		return 0, err
	}
	refused, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return p.next(), nil
	case refused.Status == codeTokenExpired, refused.Status == codeNoToken, refused.Status == codeTokenRefused && !p.renewed:
		return p.next(), s.renewRefused(ctx, refused, p)
	case forGood(refused.Status):
		return 0, refused
	case refused.Status == websocket.CloseServiceRestart:
		return rand.N(p.window + 1), nil
	case refused.Status == codeTooManyCommands:
		p.attempt = max(p.attempt, 5) // up to 3.2 s
	case refused.temporary():
		return p.afterRefusal(refused), nil
	}
	return p.next(), nil
}

// forGood reports whether no further try makes sense after a close code, or a status of the handshake.
func forGood(status int) bool {
	switch status {
	case websocket.CloseUnsupportedData, websocket.CloseInvalidFramePayloadData, websocket.CloseMessageTooBig:
		return true
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500 || status >= 4500 && status < 5000
}

// renewRefused gets another token than the one that was refused. It returns an error where there is none to be had.
func (s *Socket) renewRefused(ctx context.Context, refused *Error, p *pace) error {
	_, err := s.client.renew(ctx, p.token)
	switch why, ok := errors.AsType[*Error](err); {
	case errors.Is(err, ErrNoSession):
		return refused
	case ok && forGood(why.Status):
		return why
	}
	p.renewed = err == nil && refused.Status == codeTokenRefused
	return nil
}
