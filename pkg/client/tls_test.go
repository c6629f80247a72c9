package client_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/confab-chat/confab/pkg/client"
)

func TestSocketsOpenWhereCallsGoOverHTTP2(t *testing.T) {
	for name, used := range map[string]bool{"of a client that was never used": false, "of a client that has called": true} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			s.on("GET /v1/users/me", func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor != 2 {
					t.Errorf("a call came over %s", r.Proto)
				}
				answer(200, `{"user":{"id":"me"}}`)(w, r)
			})
			secure := httptest.NewUnstartedServer(s)
			secure.EnableHTTP2 = true
			secure.StartTLS()
			t.Cleanup(secure.Close)
			o := client.Options{URL: secure.URL, HTTP: secure.Client(), Tokens: client.Tokens{Access: "token-1"}}
			for range 2 { // the second one finds a transport that has settled on HTTP/2
				c, err := client.New(o)
				if err != nil {
					t.Fatal(err)
				}
				if used {
					if _, err := c.Me(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				run(t, c, nil)
				ws, _ := s.accept()
				ws.enter()
			}
		})
	}
}
