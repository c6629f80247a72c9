package httpkit

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/confab-chat/confab/pkg/ratelimit"
)

// Info is what a request brought beside its body. It travels in the context, one per request.
type Info struct {
	RequestID string
	Token     string        // of the Authorization header, without its scheme
	Address   string        // of the client, the rate limits' key before a login
	UserAgent string        // as the client says
	Wait      time.Duration // for how long the caller waits for the answer; 0: it does not say
	limited   *ratelimit.Result
}

// WaitHeader says for how many milliseconds the caller waits. Who is told answers by then, if only that it took too long: a caller that
// gets no answer takes the service for dead.
const WaitHeader = "Confab-Wait-Ms"

type infoKey struct{}

// InfoFrom returns the request's Info, an empty one outside a request.
func InfoFrom(ctx context.Context) *Info {
	if info, ok := ctx.Value(infoKey{}).(*Info); ok {
		return info
	}
	return &Info{}
}

// WithInfo returns a context that carries info.
func WithInfo(ctx context.Context, info *Info) context.Context {
	return context.WithValue(ctx, infoKey{}, info)
}

var requestIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// newInfo reads the request's headers. Forwarded addresses count only behind a trusted proxy.
func newInfo(r *http.Request, trusted []netip.Prefix) *Info {
	info := &Info{
		RequestID: r.Header.Get("X-Request-Id"), Token: BearerToken(r), Address: clientAddress(r, trusted), UserAgent: r.UserAgent(),
	}
	if !requestIDs.MatchString(info.RequestID) {
		info.RequestID = rand.Text()
	}
	if ms, err := strconv.ParseInt(r.Header.Get(WaitHeader), 10, 32); err == nil && ms > 0 {
		info.Wait = time.Duration(ms) * time.Millisecond
	}
	return info
}

// BearerToken returns the token of the Authorization header. The tutorial's clients say JWT where others say Bearer.
func BearerToken(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if ok && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "JWT")) {
		return strings.TrimSpace(token)
	}
	return ""
}

// clientAddress returns the nearest address that no trusted proxy has: the peer's, else from the right of X-Forwarded-For.
func clientAddress(r *http.Request, trusted []netip.Prefix) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if len(trusted) == 0 {
		return host
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",") // some proxies add a line, some to a line
	for i := len(hops) - 1; i >= 0 && IsTrusted(host, trusted); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = hop.Unmap().String()
	}
	return host
}

// parseHop reads an address to which some proxies add the port.
func parseHop(text string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr(), nil
	}
	return netip.ParseAddr(text)
}

// Network is what limits count in place of an address: an IPv6 host has a network of its own to choose addresses from.
func (i *Info) Network() string {
	addr, err := netip.ParseAddr(i.Address)
	if err != nil || !addr.Is6() || addr.Is4In6() {
		return i.Address
	}
	return netip.PrefixFrom(addr.WithZone(""), 64).Masked().String()
}

// FromProxy reports whether the request comes from one of the networks. What it says beside its client's own words counts then.
func FromProxy(r *http.Request, trusted []netip.Prefix) bool {
	host, _, _ := net.SplitHostPort(r.RemoteAddr) // the server has joined them
	return IsTrusted(host, trusted)
}

// IsTrusted reports whether the address, without a port, is in one of the networks.
func IsTrusted(host string, trusted []netip.Prefix) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, prefix := range trusted {
		if prefix.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// SendOnce keeps net/http's transport from sending a request without a body again, as it does with a GET where a connection that it had used before breaks.
func SendOnce(r *http.Request) {
	if r.Body == nil {
		r.Body = io.NopCloser(strings.NewReader(""))
	}
}
