package web

import (
	_ "embed"
	"net/http"

	"github.com/confab-chat/confab/pkg/httpkit"
)

//go:embed index.html
var index []byte

// Pages are the routes that no service answers: for now one page, which shows that Confab is alive.
func Pages() []httpkit.Route {
	return []httpkit.Route{{Pattern: "GET /{$}", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_, _ = w.Write(index) // the client left: there is nobody to tell
	})}}
}
