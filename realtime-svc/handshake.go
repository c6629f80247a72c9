package realtime

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/drain"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/ratelimit"
)

var (
	errNoUpgrade = fault.New(fault.Invalid, "upgrade_required", "This path is a WebSocket.")
	errOrigin    = fault.New(fault.Forbidden, "origin_not_allowed", "Pages of this origin may not open a socket here.")
)

// door lets WebSockets in.
type door struct {
	hub      *hub
	share    ratelimit.Rule // of each network
	all      ratelimit.Rule // of all together
	rest     ratelimit.Rule // of all together too, for who has used up the share
	allowed  config.List
	errors   httpkit.ErrorEncoder
	upgrader websocket.Upgrader
}

func newDoor(h *hub, rate int, allowed config.List, log *slog.Logger) *door {
	d := &door{
		hub: h, allowed: allowed, errors: httpkit.ErrorEncoder{Log: log},
	}
	if rate > 0 {
		d.share = ratelimit.Rule{Name: "connect from", Burst: max(1, rate/shareOfRate), Period: time.Second}
		d.all = ratelimit.Rule{Name: "connect", Burst: rate, Period: time.Second}
		half := (rate + 1) / 2
		d.rest = ratelimit.Rule{Name: "connect", Burst: half, Period: time.Second / time.Duration(rate) * time.Duration(half)}
	}
	d.upgrader = websocket.Upgrader{
		ReadBufferSize: 1 << 10, WriteBufferSize: 4 << 10, WriteBufferPool: &sync.Pool{},
		HandshakeTimeout: writeWait,
		CheckOrigin:      func(*http.Request) bool { return true }, // admit has checked it
		Error: func(w http.ResponseWriter, r *http.Request, _ int, reason error) {
			d.errors.Problem(r.Context(), fault.New(fault.Invalid, "bad_handshake", "The WebSocket handshake is wrong.").Because(reason), w)
		},
	}
	return d
}

// ServeHTTP opens a native socket. It returns once the connection is upgraded: the hub owns what runs then.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := d.hub.newSession(native{}, httpkit.InfoFrom(r.Context()))
	if err := d.admit(r, s); err != nil {
		s.stop()
		d.refuse(w, r, err)
		return
	}
	ws, err := d.upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.stop()
		return // the upgrader has answered
	}
	c := newConn(ws, s)
	if !d.hub.serve(s, c.run) {
		s.stop()
		_ = ws.Close() // the drain began this moment: the client connects again
	}
}

// refuse closes the connection of a WebSocket's handshake: the client has no other use for it, and it costs as much as a socket.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Connection", "close")
	}
	d.errors.Problem(r.Context(), err, w)
}

// crowded spreads those who come again.
func crowded() error {
	return fault.New(fault.Unavailable, "too_many_handshakes", "Too many clients connect at this moment. Try again.").
		After(time.Second + rand.N(2*time.Second))
}

// admit checks the request and the token that it brings, if any. A refused token is no error of the handshake, of which a browser
// tells its page nothing: the socket opens and is closed with the code that says so.
func (d *door) admit(r *http.Request, s *session) error {
	switch {
	case d.hub.isDraining():
		return drain.ErrStopping
	case !websocket.IsWebSocketUpgrade(r):
		return errNoUpgrade
	case !d.originAllowed(r):
		return errOrigin
	case !d.hasRoom(r.Context(), s.info.Network()):
		d.hub.metrics.refused.Inc()
		return crowded()
	}
	token, given := d.token(r)
	if !given {
		return nil
	}
	who, err := d.hub.users.Verify(r.Context(), token)
	switch {
	case err == nil:
		s.become(who)
	case fault.From(err).Kind == fault.Unavailable:
		return err
	default:
		s.out.finish(endRefused)
	}
	return nil
}

// hasRoom counts a handshake. The bucket of all and that of the rest are one: they have the same name and fill at the same pace, but the
// rest is refused from half of it on. So one network that opens what it can does not keep the others out.
func (d *door) hasRoom(ctx context.Context, network string) bool {
	rule := d.all
	if !d.hub.local.Allow(ctx, d.share, network).Allowed {
		rule = d.rest
	}
	return d.hub.local.Allow(ctx, rule, "").Allowed
}

// originAllowed keeps other sites' pages out. Who sends no Origin is no browser.
func (d *door) originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || d.allowed.Has(origin) || sameOrigin(r) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// sameOrigin believes the browser: no page can set this header.
func sameOrigin(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Site") == "same-origin" }

// token returns the request's token: of the Authorization header, else the query, else the cookie. A browser adds cookies to the
// requests of any page, so the cookie counts only where the page is known to be a friend.
func (d *door) token(r *http.Request) (token string, given bool) {
	if header := r.Header.Get("Authorization"); header != "" {
		return bare(header), true
	}
	if query := r.URL.Query().Get("token"); query != "" {
		return bare(query), true
	}
	cookie, err := r.Cookie("token")
	if err != nil || !d.allowed.Has(r.Header.Get("Origin")) && !sameOrigin(r) {
		return "", false
	}
	value, err := url.PathUnescape(cookie.Value)
	return bare(value), err == nil && value != ""
}

// bare cuts the scheme off, which the tutorial's clients keep with the token.
func bare(token string) string {
	scheme, rest, ok := strings.Cut(token, " ")
	if ok && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "JWT")) {
		return strings.TrimSpace(rest)
	}
	return token
}
