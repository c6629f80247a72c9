package web_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/web"
)

// socketed starts a replica that upgrades, and runs the rest of a socket's life in serve.
func socketed(t *testing.T, serve func(*websocket.Conn)) *replica {
	t.Helper()
	var upgrader websocket.Upgrader // takes an Origin that is the Host
	return answering(t, "realtime-svc", func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, http.Header{"X-Replica": {"1"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		serve(c)
	})
}

// echo answers each frame with itself until the client closes.
func echo(c *websocket.Conn) {
	for {
		kind, data, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, data) != nil {
			return
		}
	}
}

func dial(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	url = "ws" + strings.TrimPrefix(url, "http")
	c, response, err := websocket.DefaultDialer.DialContext(t.Context(), url+"/v1/ws?token=t", http.Header{"Origin": {"http" + strings.TrimPrefix(url, "ws")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if response.Header.Get("X-Replica") == "" || len(response.Header.Values("X-Request-Id")) != 1 {
		t.Errorf("the handshake is answered with %v", response.Header)
	}
	return c
}

func requireEcho(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.ReadMessage(); err != nil || string(got) != text {
		t.Fatalf("the echo has %d bytes, %v", len(got), err)
	}
}

func TestSocketPassesBothWays(t *testing.T) {
	upstream := socketed(t, echo)
	f := run(t, options{realtime: config.List{upstream.URL}})
	c := dial(t, f.url)
	for _, text := range []string{"hello", "", strings.Repeat("x", 1<<20)} {
		requireEcho(t, c, text)
	}
	if n := f.count(t, "confab_proxied_requests_total", map[string]string{"upstream": "realtime-svc", "class": "1xx"}); n != 1 {
		t.Fatalf("%v sockets are counted", n)
	}
}

func TestSocketOutlivesTheTimeoutsOfRequests(t *testing.T) {
	upstream := socketed(t, echo)
	env := servertest.Env(t, nil)
	none := config.List{"http://127.0.0.1:1"}
	app, err := web.New(web.Config{AuthURLs: none, ConversationURLs: none, MessageURLs: none, RealtimeURLs: config.List{upstream.URL}}, env)
	if err != nil {
		t.Fatal(err)
	}
	const timeout = 100 * time.Millisecond
	app.AnswerWithin(timeout)
	s := httptest.NewUnstartedServer(app.Public())
	s.Config.ReadTimeout, s.Config.WriteTimeout, s.Config.IdleTimeout = timeout, timeout, timeout
	s.Start()
	t.Cleanup(func() {
		app.Close()
		s.Close()
	})
	c := dial(t, s.URL)
	time.Sleep(3 * timeout) // it is the time itself that must pass
	requireEcho(t, c, "still here")
}

func TestCloseCodePassesBothWays(t *testing.T) {
	heard := make(chan error, 1)
	upstream := socketed(t, func(c *websocket.Conn) {
		_, _, err := c.ReadMessage()
		heard <- err
		_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1012, "restart"), time.Time{})
	})
	f := run(t, options{realtime: config.List{upstream.URL}})
	for name, end := range map[string]func(*websocket.Conn) error{
		"the service ends it": func(c *websocket.Conn) error { return c.WriteMessage(websocket.TextMessage, []byte("end")) },
		"the client ends it": func(c *websocket.Conn) error {
			return c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, "bye"), time.Time{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, f.url)
			if err := end(c); err != nil {
				t.Fatal(err)
			}
			if err := <-heard; name == "the client ends it" && !websocket.IsCloseError(err, 4000) {
				t.Fatalf("the service hears %v", err)
			}
			_, _, err := c.ReadMessage()
			if name == "the service ends it" && !websocket.IsCloseError(err, 1012) || err == nil {
				t.Fatalf("the client hears %v", err)
			}
		})
	}
}

// A client that vanishes must not hold a socket of the service.
func TestBrokenClientEndsTheSocketOfTheService(t *testing.T) {
	ended := make(chan struct{})
	upstream := socketed(t, func(c *websocket.Conn) {
		echo(c)
		close(ended)
	})
	f := run(t, options{realtime: config.List{upstream.URL}})
	c := dial(t, f.url)
	requireEcho(t, c, "hello")
	c.NetConn().Close()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("it goes on")
	}
}

// The service has closed, and the client neither closes its side nor says anything.
func TestSilentClientOfAClosedSocketHoldsNobodyUp(t *testing.T) {
	t.Parallel() // it waits for closeWait
	upstream := socketed(t, func(*websocket.Conn) {})
	f := run(t, options{realtime: config.List{upstream.URL}})
	if n, err := io.Copy(io.Discard, dial(t, f.url).NetConn()); n != 0 || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	closed := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- f.stop() }()
	select {
	case err := <-stopped:
		if err != nil || time.Since(closed) < 4*time.Second {
			t.Fatalf("%v; it stopped before the socket ended", err)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("after 15 s it is held still")
	}
}

// flooded starts a replica that sends until that fails. stuck is closed once nothing passes for half a second, ended at the end.
func flooded(t *testing.T) (r *replica, stuck, ended chan struct{}) {
	stuck, ended = make(chan struct{}), make(chan struct{})
	return socketed(t, func(c *websocket.Conn) {
		defer close(ended)
		idle := time.AfterFunc(time.Minute, sync.OnceFunc(func() { close(stuck) }))
		for err := error(nil); err == nil; err = c.WriteMessage(websocket.TextMessage, make([]byte, 64<<10)) {
			idle.Reset(500 * time.Millisecond)
		}
	}), stuck, ended
}

func TestClientThatStopsReadingLosesItsSocket(t *testing.T) {
	t.Parallel() // it waits for writeWait
	upstream, _, ended := flooded(t)
	f := run(t, options{realtime: config.List{upstream.URL}})
	dial(t, f.url)
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("after 20 s the service is held still")
		upstream.CloseClientConnections()
	}
}

func TestClientThatStopsReadingHoldsNoStopUp(t *testing.T) {
	t.Parallel() // it waits for writeWait
	upstream, stuck, _ := flooded(t)
	f := run(t, options{realtime: config.List{upstream.URL}})
	c := dial(t, f.url)
	<-stuck
	stopped := make(chan error, 1)
	go func() { stopped <- f.stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("after 20 s it is held still")
		c.Close()
	}
}

func TestDrainingReplicaIsPassedOverByHandshakes(t *testing.T) {
	draining, other := answering(t, "draining", busy), socketed(t, echo)
	f := run(t, options{realtime: config.List{draining.URL, other.URL}})
	for range 10 {
		requireEcho(t, dial(t, f.url), "hello")
	}
	if len(other.seen()) != 10 || len(draining.seen()) != 5 {
		t.Fatalf("the draining replica was asked %d times, the other %d times", len(draining.seen()), len(other.seen()))
	}
}

func TestStopClosesSocketsAndIsNotHeldUpByThem(t *testing.T) {
	ended := make(chan struct{})
	upstream := socketed(t, func(c *websocket.Conn) {
		echo(c)
		close(ended)
	})
	f := run(t, options{realtime: config.List{upstream.URL}})
	c := dial(t, f.url)
	requireEcho(t, c, "hello")
	start := time.Now()
	if err := f.stop(); err != nil || time.Since(start) > 5*time.Second {
		t.Fatalf("after %v: %v", time.Since(start), err)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second)) // an error shows below
	_, _, err := c.ReadMessage()
	var timeout net.Error
	if err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("the client reads on: %v", err)
	}
	<-ended
}
