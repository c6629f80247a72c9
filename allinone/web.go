package allinone

import (
	_ "embed"
	"net/http"
)

//go:embed index.html
var page []byte

// webHandler serves the page that shows that Confab is alive.
func webHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(page) // the client left: there is nobody to tell
	})
	return mux
}
