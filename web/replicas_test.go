package web_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/web"
)

// busy turns requests away, as a replica that drains does.
func busy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "7")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, "busy")
}

// late is busy after so long that the client has waited enough.
func late(w http.ResponseWriter, r *http.Request) {
	time.Sleep(2100 * time.Millisecond) // it is the time itself that must pass
	busy(w, r)
}

// broken ends the connection without an answer, as a replica that is killed does.
func broken(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestReplicasTakeTurns(t *testing.T) {
	a, b, c := answering(t, "a", nil), answering(t, "b", nil), answering(t, "c", nil)
	f := run(t, options{message: config.List{a.URL, b.URL, c.URL}})
	for range 30 {
		servertest.Call(t, "POST", f.url+"/v1/messages", "", "{}")
	}
	for _, r := range []*replica{a, b, c} {
		if n := len(r.seen()); n != 10 {
			t.Errorf("of 30 requests a replica got %d", n)
		}
	}
}

func TestDeadReplicaIsPassedOverAndThenLeftAlone(t *testing.T) {
	living := answering(t, "living", nil)
	f := run(t, options{message: config.List{nobody(t), living.URL}})
	start := time.Now()
	for range 100 {
		if a := servertest.Call(t, "POST", f.url+"/v1/messages", "", "{}"); a.Body != "living" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	tries := f.count(t, "confab_upstream_failures_total", map[string]string{"upstream": "message-svc", "kind": "error"})
	if limit := 1 + time.Since(start).Seconds(); tries < 1 || tries > limit {
		t.Fatalf("of 100 requests %v tried the dead replica, want one a second", tries)
	}
}

func TestTheOnlyURLIsAskedAgainSinceItMayStandForSeveralReplicas(t *testing.T) {
	var gone atomic.Int64
	r := answering(t, "other", func(w http.ResponseWriter, r *http.Request) {
		if gone.Add(-1) >= 0 {
			broken(w, r)
		}
		_, _ = io.WriteString(w, "other")
	})
	f := run(t, options{message: config.List{r.URL}})
	for n, want := range map[int64]string{3: "other", 20: "service_unavailable"} {
		gone.Store(n)
		if a := servertest.Call(t, "GET", f.url+"/v1/messages", "", nil); !strings.Contains(a.Body, want) {
			t.Errorf("where %d tries are in vain: %d %s", n, a.Status, a.Body)
		}
	}
	gone.Store(1)
	if a := servertest.Call(t, "POST", f.url+"/v1/messages", "", "{}"); a.Status < 500 {
		t.Errorf("a request that may have been carried out is sent again: %d %s", a.Status, a.Body)
	}
}

func TestAPollOfSocketIOIsPassedOnOnce(t *testing.T) {
	var asked atomic.Int64
	r := answering(t, "", func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 { // on a connection that was good before
			broken(w, r)
		}
	})
	f := run(t, options{realtime: config.List{r.URL}})
	for range 2 {
		servertest.Call(t, "GET", f.url+"/socket.io/?EIO=4&transport=polling&sid=x", "", nil)
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("it is asked %d times for two polls", n)
	}
}

func TestVanishedReplicaCostsNoRequest(t *testing.T) {
	t.Parallel() // it waits for dialTimeout
	living := answering(t, "living", nil)
	f := run(t, options{message: config.List{blackHole(t), living.URL}})
	for range 100 {
		if a := servertest.Call(t, "POST", f.url+"/v1/messages", "", "{}"); a.Body != "living" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	if tries := f.count(t, "confab_upstream_failures_total", map[string]string{"upstream": "message-svc", "kind": "error"}); tries != 1 {
		t.Fatalf("of 100 requests %v tried it, want one", tries)
	}
}

func TestSilentReplicaCostsOneRequestAndIsThenLeftAlone(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // connections are taken by the system, and nobody reads them
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { deaf.Close() })
	for _, scheme := range []string{"http", "https"} { // over TLS it is silent already in the handshake
		t.Run(scheme, func(t *testing.T) {
			t.Parallel() // it waits for the answer
			living := answering(t, "living", nil)
			f := run(t, options{
				message: config.List{living.URL, scheme + "://" + deaf.Addr().String()},
				prepare: func(w *web.App) { w.AnswerWithin(time.Second) },
			})
			statuses := map[int]int{}
			for range 100 {
				statuses[servertest.Call(t, "POST", f.url+"/v1/messages", "", "{}").Status]++
			}
			if statuses[http.StatusServiceUnavailable] != 1 || statuses[http.StatusOK] != 99 {
				t.Fatalf("100 requests are answered with %v", statuses)
			}
		})
	}
}

func TestReplicaThatComesBackGetsRequestsAgain(t *testing.T) {
	other := answering(t, "other", nil)
	url := nobody(t)
	f := run(t, options{message: config.List{url, other.URL}})
	for range 2 { // one of them finds it dead
		servertest.Call(t, "GET", f.url+"/v1/messages", "", nil)
	}
	back := &http.Server{Addr: strings.TrimPrefix(url, "http://"), Handler: http.NotFoundHandler()}
	go back.ListenAndServe()
	t.Cleanup(func() { back.Close() })
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if a := servertest.Call(t, "GET", f.url+"/v1/messages", "", nil); a.Status == http.StatusNotFound {
			return
		}
	}
	t.Fatal("after 5 s it gets none")
}

func TestRequestIsTriedElsewhereOnlyWhereThatIsSafe(t *testing.T) {
	limited := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }
	for name, test := range map[string]struct {
		method, body string
		first        http.HandlerFunc
		status       int
		says         string
		others       int // requests that the other replica gets
	}{
		"a read of a busy replica":                       {"GET", "", busy, 200, "other", 1},
		"a HEAD of a busy replica":                       {"HEAD", "", busy, 200, "", 1},
		"a read whose connection breaks":                 {"GET", "", broken, 200, "other", 1},
		"a write to a busy replica":                      {"POST", "{}", busy, 503, "busy", 0},
		"a read with a body of a busy replica":           {"GET", "{}", busy, 503, "busy", 0},
		"a read that was turned away after two seconds":  {"GET", "", late, 503, "busy", 0},
		"a write whose connection breaks":                {"POST", "{}", broken, 503, "service_unavailable", 0},
		"a write without a body whose connection breaks": {"POST", "", broken, 503, "service_unavailable", 0},
		"a deletion whose connection breaks":             {"DELETE", "", broken, 503, "service_unavailable", 0},
		"a refusal that is no 503":                       {"GET", "", limited, 429, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // one waits
			first, other := answering(t, "first", test.first), answering(t, "other", nil)
			f := run(t, options{message: config.List{other.URL, first.URL}}) // turns begin behind the first URL
			var body any
			if test.body != "" {
				body = test.body
			}
			a := servertest.Call(t, test.method, f.url+"/v1/messages", "", body)
			if a.Status != test.status || !strings.Contains(a.Body, test.says) || len(first.seen()) != 1 || len(other.seen()) != test.others {
				t.Fatalf("%d %s; the first was asked %d times, the other %d times", a.Status, a.Body, len(first.seen()), len(other.seen()))
			}
		})
	}
}

func TestSlowReplicaIsAskedOnce(t *testing.T) {
	hold := make(chan struct{})
	slow := func(http.ResponseWriter, *http.Request) { <-hold }
	a, b := answering(t, "a", slow), answering(t, "b", slow)
	defer close(hold)
	f := run(t, options{message: config.List{a.URL, b.URL}, prepare: func(w *web.App) { w.AnswerWithin(50 * time.Millisecond) }})
	answer := servertest.Call(t, "GET", f.url+"/v1/messages", "", nil)
	p := servertest.Want[servertest.Problem](t, http.StatusServiceUnavailable, answer)
	if p.Code != "service_unavailable" || len(a.seen())+len(b.seen()) != 1 {
		t.Fatalf("%+v after %d requests", p, len(a.seen())+len(b.seen()))
	}
}

func TestWhereNobodyAnswersTheClientIsToldSoInItsStyle(t *testing.T) {
	f := run(t, options{})
	for path, want := range map[string]string{
		"/v1/messages":    `"code":"service_unavailable"`,
		"/v1/ws":          `"code":"service_unavailable"`,
		"/api/auth/login": `{"error":"A part of the server is out of reach. Try again."}`,
		"/api/chat/c1":    `{"error":"A part of the server is out of reach. Try again."}`,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "http://localhost:8080")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body := make([]byte, 1<<10)
		n, _ := response.Body.Read(body)
		response.Body.Close()
		h := response.Header
		if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body[:n]), want) || h.Get("Retry-After") != "1" ||
			h.Get("X-Request-Id") == "" || h.Get("Access-Control-Allow-Origin") != "http://localhost:8080" {
			t.Errorf("%s: %d %s with %v", path, response.StatusCode, body[:n], h)
		}
	}
	if n := f.count(t, "confab_proxied_requests_total", map[string]string{"upstream": "message-svc", "class": "5xx"}); n != 1 {
		t.Errorf("%v failed requests are counted, want 1", n)
	}
}
