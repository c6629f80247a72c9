package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Options say whom a Client speaks to, and for whom. Only URL is needed.
type Options struct {
	URL       string       // of the server: http:// or https://, a path in front of /v1 included
	Tokens    Tokens       // of a session that goes on; zero: Login or Register comes first
	OnTokens  func(Tokens) // told of each change of them, in order; zero Tokens: the session is over. It must not call the Client
	UserAgent string       // by which users tell their sessions apart
	HTTP      *http.Client // nil: one that all such Clients share. Its *http.Transport serves sockets too
}

// Client makes calls in one user's name. It is safe for concurrent use.
type Client struct {
	base      string
	userAgent string
	http      *http.Client
	dialer    websocket.Dialer
	tokens    *keeper
}

var sharedHTTP = &http.Client{Transport: sharedTransport()}

func sharedTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 32
	return t
}

// New returns a Client. It connects to nothing yet. It returns an error where the URL is none of a server.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("client: the URL must begin with http:// or https:// and name a host")
	}
	if o.HTTP == nil {
		o.HTTP = sharedHTTP
	}
	if o.UserAgent == "" {
		o.UserAgent = "confab-go"
	}
	return &Client{
		base: strings.TrimSuffix(u.String(), "/"), userAgent: o.UserAgent, http: o.HTTP,
		dialer: dialerLike(o.HTTP), tokens: newKeeper(o.Tokens, o.OnTokens),
	}, nil
}

const handshakeWait = 10 * time.Second

// dialerLike returns a dialer that reaches the server as the HTTP client does.
func dialerLike(c *http.Client) websocket.Dialer {
	d := websocket.Dialer{
		HandshakeTimeout: handshakeWait, Proxy: http.ProxyFromEnvironment, ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10,
	}
	if t, ok := c.Transport.(*http.Transport); ok {
		t = t.Clone() // for a TLS configuration of its own
		d.Proxy, d.NetDialContext, d.TLSClientConfig = t.Proxy, t.DialContext, t.TLSClientConfig
	}
	if d.TLSClientConfig != nil {
		d.TLSClientConfig.NextProtos = []string{"http/1.1"} // the transport offers HTTP/2, which has no upgrade
	}
	return d
}

// Tokens returns the tokens of this moment, zero where the Client has no session.
func (c *Client) Tokens() Tokens {
	t, _ := c.tokens.current()
	return t
}

// SetTokens goes on with another session, or with tokens that were renewed elsewhere. Sockets hand the server a new access token of the
// same user at once.
func (c *Client) SetTokens(t Tokens) { c.tokens.set(t) }
