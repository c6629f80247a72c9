package peer_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

var keys = servertest.ServiceKeys

// callee runs a message-svc whose Last is the method, behind the lock and the chain that real services have.
func callee(t *testing.T, last func(context.Context, peer.LastRequest) (peer.Lasts, error)) *httptest.Server {
	t.Helper()
	env := servertest.Env(t, nil)
	lock := peer.Lock{Service: peer.MessageService, Keys: keys}
	chain := httpkit.NewChain(prometheus.NewRegistry(), nil, lock, env.Limiter, time.Minute, 100)
	return listen(t, env.InternalHandler([]httpkit.Route{
		{Pattern: "POST " + peer.PathLast, Handler: httpkit.NewServer(env.Log).Internal(chain.Service("last", httpkit.Typed(last)))},
	}))
}

func listen(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// token returns a service token under the key; change makes it another than callee accepts.
func token(t *testing.T, method jwt.SigningMethod, key any, change func(*jwt.RegisteredClaims)) string {
	t.Helper()
	claims := jwt.RegisteredClaims{
		Audience: jwt.ClaimStrings{peer.MessageService}, Subject: "ann", ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Minute)),
	}
	change(&claims)
	signed, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
