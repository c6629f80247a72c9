package web

import (
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strings"
	"time"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/server"
	"github.com/confab-chat/confab/pkg/tracing"
)

var errAway = fault.New(fault.Unavailable, "service_unavailable", "A part of the server is out of reach. Try again.").After(time.Second)

// newProxy passes requests on to one service. Bodies stream both ways: how large one may be is the service's to say.
func newProxy(service string, b *balancer, m *metrics, env server.Env) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:   func(pr *httputil.ProxyRequest) { forward(pr, env.HTTP.TrustedProxies) },
		Transport: b,
		ErrorLog:  slog.NewLogLogger(env.Log.Handler(), slog.LevelWarn),
		ModifyResponse: func(answer *http.Response) error {
			m.answered(service, answer.StatusCode)
			answer.Header.Del("X-Request-Id") // Frame has set both
			answer.Header.Del("X-Content-Type-Options")
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				err = errAway.Because(err)
			}
			m.answered(service, fault.From(err).Kind.Status())
			refuse(w, r, err, env)
		},
	}
}

// forward tells the service whom the request is from. What the peer says of that counts only where it is a trusted proxy. The Host stays,
// since services compare it with a browser's Origin.
func forward(pr *httputil.ProxyRequest, trusted []netip.Prefix) {
	pr.Out.URL.RawQuery = pr.In.URL.RawQuery // as it came: the service judges it
	if strings.HasPrefix(pr.Out.URL.Path, "/socket.io/") {
		httpkit.SendOnce(pr.Out) // a poll takes what waits: a second one would bring what comes after that
	}
	pr.Out.Header.Set("X-Request-Id", httpkit.InfoFrom(pr.In.Context()).RequestID)
	tracing.SetHeader(pr.In.Context(), pr.Out.Header)
	if !httpkit.FromProxy(pr.In, trusted) {
		pr.SetXForwarded()
		return
	}
	pr.Out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
	pr.SetXForwarded()
	for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto"} {
		if said := pr.In.Header.Get(name); said != "" {
			pr.Out.Header.Set(name, said)
		}
	}
}

// refuse answers as the service would: the same error, which pages of the allowed origins can read.
func refuse(w http.ResponseWriter, r *http.Request, err error, env server.Env) {
	encoder := httpkit.ErrorEncoder{Log: env.Log}
	encode := encoder.Problem
	if strings.HasPrefix(r.URL.Path, "/api/") {
		encode = encoder.Tutorial
	}
	httpkit.CORS(env.HTTP.AllowedOrigins, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		encode(r.Context(), err, w)
	})).ServeHTTP(w, r)
}
