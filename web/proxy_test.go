package web_test

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/web"
)

func TestPathGoesToItsServiceAndInternalOnesToNone(t *testing.T) {
	auth, conversation := answering(t, "auth-svc", nil), answering(t, "conversation-svc", nil)
	message, realtime := answering(t, "message-svc", nil), answering(t, "realtime-svc", nil)
	f := run(t, options{auth: config.List{auth.URL}, conversation: config.List{conversation.URL},
		message: config.List{message.URL}, realtime: config.List{realtime.URL + "/"}})
	for path, want := range map[string]string{
		"/v1/auth/login":                         "auth-svc",
		"/.well-known/jwks.json":                 "auth-svc",
		"/api/auth/login":                        "auth-svc",
		"/api/chat":                              "conversation-svc",
		"/v1/conversations/":                     "conversation-svc",
		"/v1/messages?conversation_id=c":         "message-svc",
		"/v1/ws":                                 "realtime-svc",
		"/socket.io/?EIO=4":                      "realtime-svc",
		"/":                                      "<title>Confab</title>",
		"/nothing":                               "no_such_route",
		"/internal/auth/keys":                    "no_such_route",
		"//internal/auth/keys":                   "no_such_route",
		"/v1/users/../../internal/auth/keys":     "no_such_route",
		"/v1/users/%2e%2e/%2e%2e/internal/auth/": "no_such_route",
		"/api/chat/../../v1/messages/x":          "message-svc",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = path // as it is
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s gets %s, %v; want %s", path, body, err, want)
		}
	}
	for _, r := range slices.Concat(auth.seen(), conversation.seen(), message.seen(), realtime.seen()) {
		if strings.Contains(r.RequestURI, "internal") {
			t.Errorf("a service was asked for %s", r.RequestURI)
		}
	}
}

func TestRequestArrivesAsItCameAndTheAnswerToo(t *testing.T) {
	upstream := answering(t, "message-svc", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Add("Vary", "Origin")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.Copy(w, r.Body)
	})
	f := run(t, options{message: config.List{upstream.URL}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url+"/v1/messages/a%2Fb?x=1;y=%zz", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "chat.example"
	r.Header.Set("X-Request-Id", "mine")
	r.Header.Set("Authorization", "Bearer t")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusCreated || string(body) != "hello" {
		t.Fatalf("%d %s, %v", response.StatusCode, body, err)
	}
	for name, want := range map[string]string{"X-Request-Id": "mine", "X-Content-Type-Options": "nosniff", "Vary": "Origin"} {
		if got := response.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %s once", name, got, want)
		}
	}
	got := upstream.seen()[0]
	if got.RequestURI != "/v1/messages/a%2Fb?x=1;y=%zz" || got.Host != "chat.example" || got.Header.Get("Authorization") != "Bearer t" {
		t.Fatalf("%s for %s with %v", got.RequestURI, got.Host, got.Header)
	}
	if n := f.count(t, "confab_proxied_requests_total", map[string]string{"upstream": "message-svc", "class": "2xx"}); n != 1 {
		t.Fatalf("%v requests are counted", n)
	}
}

func TestWhatAPeerSaysOfItsClientCountsOnlyWhereItIsTrusted(t *testing.T) {
	for name, test := range map[string]struct {
		trusted                 string
		sent                    http.Header
		wantFor, wantHost       string
		wantProto, wantStandard string
	}{
		"a client": {"", http.Header{}, "127.0.0.1", "chat.example", "http", ""},
		"a client that makes itself another": {"10.0.0.0/8",
			http.Header{"X-Forwarded-For": {"1.2.3.4"}, "X-Forwarded-Host": {"x"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"for=1.2.3.4"}},
			"127.0.0.1", "chat.example", "http", ""},
		"a trusted proxy": {"10.0.0.0/8,127.0.0.0/8",
			http.Header{"X-Forwarded-For": {"1.2.3.4, 10.0.0.1"}, "X-Forwarded-Host": {"chat.public.example"}, "X-Forwarded-Proto": {"https"}},
			"1.2.3.4, 10.0.0.1, 127.0.0.1", "chat.public.example", "https", ""},
		"a trusted proxy that adds a line": {"127.0.0.0/8",
			http.Header{"X-Forwarded-For": {"1.2.3.4", "10.0.0.1"}}, "1.2.3.4, 10.0.0.1, 127.0.0.1", "chat.example", "http", ""},
		"a trusted proxy that says nothing": {"127.0.0.0/8", http.Header{}, "127.0.0.1", "chat.example", "http", ""},
	} {
		t.Run(name, func(t *testing.T) {
			upstream := answering(t, "auth-svc", nil)
			f := run(t, options{auth: config.List{upstream.URL}, trusted: test.trusted})
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+"/v1/users/me", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			r.Host, r.Header = "chat.example", test.sent
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			h := upstream.seen()[0].Header
			if h.Get("X-Forwarded-For") != test.wantFor || len(h["X-Forwarded-For"]) != 1 || h.Get("X-Forwarded-Host") != test.wantHost ||
				h.Get("X-Forwarded-Proto") != test.wantProto || h.Get("Forwarded") != test.wantStandard || h.Get("X-Request-Id") != response.Header.Get("X-Request-Id") {
				t.Fatalf("the service is told %v", h)
			}
		})
	}
}

func TestAnswerIsPassedOnAsItComes(t *testing.T) {
	more := make(chan struct{})
	upstream := answering(t, "message-svc", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		<-more
		_, _ = io.WriteString(w, "second\n")
	})
	f := run(t, options{message: config.List{upstream.URL}})
	response, err := http.Get(f.url + "/v1/messages")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	first, err := lines.ReadString('\n')
	close(more)
	second, _ := lines.ReadString('\n')
	if err != nil || first+second != "first\nsecond\n" {
		t.Fatalf("%q %q, %v", first, second, err)
	}
}

func TestServiceSaysHowLargeABodyMayBe(t *testing.T) {
	upstream := answering(t, "message-svc", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 128<<10)); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	f := run(t, options{message: config.List{upstream.URL}})
	for size, want := range map[int]int{128 << 10: 200, 128<<10 + 1: 413, 1 << 20: 413} {
		if a := servertest.Call(t, "POST", f.url+"/v1/messages", "", strings.Repeat("x", size)); a.Status != want {
			t.Errorf("%d bytes are answered with %d %s, want %d", size, a.Status, a.Body, want)
		}
	}
}

func TestClientThatLeavesEndsItsRequest(t *testing.T) {
	left := make(chan struct{})
	upstream := answering(t, "message-svc", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(left)
	})
	f := run(t, options{message: config.List{upstream.URL}})
	client := http.Client{Timeout: 100 * time.Millisecond}
	if _, err := client.Get(f.url + "/v1/messages"); err == nil {
		t.Fatal("it was answered")
	}
	select {
	case <-left:
	case <-time.After(5 * time.Second):
		t.Fatal("the service works on for nobody")
	}
}

func TestURLsAreChecked(t *testing.T) {
	for _, text := range []string{"", ",", "localhost:3001", "ftp://a", "http://", "http://a/x", "http://a?b", "http://a,b", "http://a b"} {
		var list config.List
		_ = list.Set(text) // a list takes any text
		good := config.List{"http://a"}
		cfg := web.Config{AuthURLs: good, ConversationURLs: good, MessageURLs: list, RealtimeURLs: good}
		if _, err := web.New(cfg, servertest.Env(t, nil)); err == nil || !strings.Contains(err.Error(), "message-svc") {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}
