package web_test

import (
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/web"
)

func TestADrainLetsSocketsInForAWhileAndThenEndsAll(t *testing.T) {
	t.Parallel() // it waits for the drain
	upstream := socketed(t, echo)
	f := run(t, options{realtime: config.List{upstream.URL}, drain: 4 * time.Second})
	before := dial(t, f.url)
	requireEcho(t, before, "before")
	start := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- f.stop() }()
	during := dial(t, f.url) // load balancers do not know yet
	requireEcho(t, during, "during")
	if n := f.count(t, "confab_proxied_sockets", map[string]string{}); n != 2 {
		t.Errorf("%v sockets are counted", n)
	}
	for _, c := range []*websocket.Conn{before, during} {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second)) // an error shows below
		if _, _, err := c.ReadMessage(); err == nil || time.Since(start) < time.Second || time.Since(start) > 4*time.Second {
			t.Errorf("after %v: %v; want the end between the first second and the fourth", time.Since(start), err)
		}
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestASocketThatComesLateIsToldToComeAgainAndOtherRequestsGoOn(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	realtime := answering(t, "realtime-svc", func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-release
	})
	defer close(release)
	message := answering(t, "message-svc", nil)
	var app *web.App
	f := run(t, options{realtime: config.List{realtime.URL}, message: config.List{message.URL}, prepare: func(a *web.App) { app = a }})
	early := make(chan string)
	go func() { early <- offering(t, f.url+"/v1/ws", "WebSocket") }()
	<-asked
	app.Drain(t.Context())
	for name, answer := range map[string]string{"one under way": <-early, "one that comes": offering(t, f.url+"/v1/ws", "websocket")} {
		if !strings.Contains(answer, "503 Service Unavailable") || !strings.Contains(answer, `"code":"stopping"`) || !strings.Contains(answer, "Retry-After: 1\r") {
			t.Errorf("%s is answered with %s", name, answer)
		}
	}
	if answer := offering(t, f.url+"/v1/messages", "h2c"); !strings.Contains(answer, "message-svc") {
		t.Errorf("a request is answered with %s", answer)
	}
}

// offering sends a request that may be upgraded to the protocol, and returns the answer as it is on the wire.
func offering(t *testing.T, url, protocol string) string {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Error(err)
		return ""
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", protocol)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer response.Body.Close()
	answer, err := httputil.DumpResponse(response, true)
	if err != nil {
		t.Error(err)
	}
	return string(answer)
}

func TestADrainOfLessThanNothingIsRefused(t *testing.T) {
	good := config.List{"http://a"}
	cfg := web.Config{Drain: -time.Second, AuthURLs: good, ConversationURLs: good, MessageURLs: good, RealtimeURLs: good}
	if _, err := web.New(cfg, servertest.Env(t, nil)); err == nil {
		t.Fatal("it is taken")
	}
}
