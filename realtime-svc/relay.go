package realtime

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/tcp"
)

// relay passes a request of a Socket.IO session on to the replica that has it, so that no load balancer has to. The session's id says which one that is, under a
// signature: none leads anywhere but to a replica.
type relay struct {
	keys  peer.Keys
	self  netip.AddrPort // this replica's internal listener; zero: there is one replica only
	proxy *httputil.ReverseProxy
	room  chan struct{} // taken by requests that are passed on
	lines chan struct{} // and by WebSockets, which last

	absent http.Handler // answers where a session's replica is gone
}

const (
	relayPath    = "/internal/socket.io/"
	relayedMost  = 2000   // requests at once
	relayedLines = 20_000 // WebSockets
	relayDial    = 2 * time.Second
	relayAnswer  = pollHold + 3*time.Second
	sidRandom    = 16 // bytes
	sidSignature = 16 // bytes
)

// newRelay returns a relay whose absent is still to be set.
func newRelay(keys peer.Keys) *relay {
	r := &relay{keys: keys, room: make(chan struct{}, relayedMost), lines: make(chan struct{}, relayedLines)}
	r.proxy = &httputil.ReverseProxy{
		Transport: &http.Transport{
			DialContext: tcp.Dialer(relayDial).DialContext, ResponseHeaderTimeout: relayAnswer, MaxIdleConnsPerHost: relayedMost,
			IdleConnTimeout: time.Minute,
		},
		Rewrite: r.rewrite,
		ModifyResponse: func(response *http.Response) error {
			response.Header.Del("X-Request-Id") // this replica has set it
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, q *http.Request, _ error) { r.absent.ServeHTTP(w, q) },
	}
	return r
}

type homeKey struct{}

func (r *relay) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme, p.Out.URL.Path = "http", relayPath
	p.Out.URL.Host = p.In.Context().Value(homeKey{}).(netip.AddrPort).String()
	token, _ := r.keys.Token(peer.RealtimeService, "") // a shared secret always signs
	p.Out.Header.Set("Authorization", "Bearer "+token)
	for _, own := range []string{"Cookie", "Traceparent", "Tracestate"} { // of the client: the other replica has no use for them
		p.Out.Header.Del(own)
	}
	p.Out.Header.Set("X-Request-Id", httpkit.InfoFrom(p.In.Context()).RequestID)
	httpkit.SendOnce(p.Out) // a second poll would bring the packets after those that were lost with the first
}

// pass passes the request on where the session is another replica's, and reports whether it did.
func (r *relay) pass(w http.ResponseWriter, q *http.Request) (bool, error) {
	home := r.home(q.URL.Query().Get("sid"))
	if !home.IsValid() || home == r.self {
		return false, nil
	}
	room := r.room
	if websocket.IsWebSocketUpgrade(q) {
		room = r.lines
	}
	select {
	case room <- struct{}{}:
		defer func() { <-room }()
	default:
		return true, errTooManyRelayed
	}
	r.proxy.ServeHTTP(w, q.WithContext(context.WithValue(q.Context(), homeKey{}, home)))
	return true, nil
}

var errTooManyRelayed = fault.New(fault.Unavailable, "too_many_relayed", "Too many requests wait for other servers. Try again.").After(time.Second)

// newID returns a session's id: random bytes, this replica's address, and the signature of both.
func (r *relay) newID() string {
	if !r.self.IsValid() {
		return rand.Text()
	}
	id := make([]byte, sidRandom, 64)
	_, _ = rand.Read(id) // never fails
	address, _ := r.self.MarshalBinary()
	id = append(id, address...)
	return base64.RawURLEncoding.EncodeToString(append(id, signature(r.keys[0], id)...))
}

// home returns the address in an id that one of us has signed, a zero one else.
func (r *relay) home(id string) (address netip.AddrPort) {
	data, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil || len(data) < sidRandom+sidSignature {
		return address
	}
	signed, given := data[:len(data)-sidSignature], data[len(data)-sidSignature:]
	for _, key := range r.keys {
		if hmac.Equal(given, signature(key, signed)) {
			_ = address.UnmarshalBinary(signed[sidRandom:]) // what we signed is one
		}
	}
	return address
}

func signature(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(append([]byte("session of Socket.IO\x00"), data...)) // never fails
	return h.Sum(nil)[:sidSignature]
}

// received serves what other replicas pass on.
func (r *relay) received(next http.Handler, refuse func(context.Context, error, http.ResponseWriter)) http.Handler {
	lock := peer.Lock{Service: peer.RealtimeService, Keys: r.keys}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if _, err := lock.Verify(q.Context(), httpkit.BearerToken(q)); err != nil {
			refuse(q.Context(), err, w)
			return
		}
		next.ServeHTTP(w, q)
	})
}
