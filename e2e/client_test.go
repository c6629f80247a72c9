package e2e_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// visitor calls the API from an address of its own. Each answer is checked against docs/api/openapi.yaml.
type visitor struct {
	url     string
	token   string // empty: she has not logged in
	address string
}

func visit(url string) visitor {
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails
	return visitor{url: url, address: fmt.Sprintf("10.%d.%d.%d", b[0], b[1], b[2])}
}

// with returns the visitor with another token.
func (v visitor) with(token string) visitor {
	v.token = token
	return v
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

func read(response *http.Response) (answer, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{status: response.StatusCode, header: response.Header, body: string(body)}, err
}

// says returns what tells errors of one status apart: a problem's code, the tutorial's sentence, or the text.
func (a answer) says() string {
	var e struct{ Code, Error string }
	if a.status < 400 {
		return ""
	}
	if json.Unmarshal([]byte(a.body), &e) != nil {
		return a.body
	}
	return e.Code + e.Error
}

// call sends a request, again where it came too soon behind others.
func (v visitor) call(t testing.TB, method, path string, body any, headers ...string) answer {
	t.Helper()
	for {
		if a := v.once(t, method, path, body, headers...); a.status != http.StatusTooManyRequests || !patient(a) {
			return a
		}
	}
}

// once sends a request. A body that is a string goes as it is, others as JSON. Headers are in pairs.
func (v visitor) once(t testing.TB, method, path string, body any, headers ...string) answer {
	t.Helper()
	var payload []byte
	switch b := body.(type) {
	case nil:
	case string:
		payload = []byte(b)
	default:
		var err error
		if payload, err = json.Marshal(b); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, v.url+path, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	v.fill(r.Header, body != nil, headers)
	return exchange(t, r, payload)
}

func (v visitor) fill(h http.Header, withBody bool, headers []string) {
	h.Set("X-Forwarded-For", v.address)
	h.Set("User-Agent", "confab-e2e")
	if withBody {
		h.Set("Content-Type", "application/json")
	}
	if v.token != "" {
		h.Set("Authorization", "Bearer "+v.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
}

// patient waits as long as a deployment with the usual limits asks for between two messages; false where it asks for more.
func patient(a answer) bool {
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || seconds > 2 {
		return false
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	return true
}

func exchange(t testing.TB, r *http.Request, payload []byte) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	a, err := read(response)
	if err != nil {
		t.Fatal(err)
	}
	if err := theContract(t).check(r, payload, a); err != nil {
		t.Errorf("%s %s answers %d, not as documented: %v\n%s", r.Method, r.URL.Path, a.status, err, a.body)
	}
	requireDiscretion(t, r, a)
	return a
}

// requireDiscretion fails the test where an error tells of the inside.
func requireDiscretion(t testing.TB, r *http.Request, a answer) {
	t.Helper()
	text := strings.ReplaceAll(a.body, a.header.Get("X-Request-Id"), "") // random letters, which may make any word
	for _, inside := range []string{"goroutine ", ".go:", "json: ", "sqlite", "SQL", "mongo", "panic"} {
		if a.status >= 400 && strings.Contains(text, inside) {
			t.Errorf("%s %s tells of the inside: %s", r.Method, r.URL.Path, a.body)
		}
	}
}

// want fails the test unless the answer has the status. It returns the body decoded into T.
func want[T any](t testing.TB, status int, a answer) T {
	t.Helper()
	var v T
	if a.status != status {
		t.Fatalf("status %d, want %d; the body is %s", a.status, status, a.body)
	}
	if a.body != "" {
		if err := json.Unmarshal([]byte(a.body), &v); err != nil {
			t.Fatalf("%v in %s", err, a.body)
		}
	}
	return v
}

// refuse fails the test unless the answer has the status and says so.
func refuse(t testing.TB, status int, says string, a answer) {
	t.Helper()
	if a.status != status || a.says() != says {
		t.Fatalf("%d and %q, want %d and %q; the body is %s", a.status, a.says(), status, says, a.body)
	}
}

// random returns a word that nobody else has.
func random() string { return strings.ToLower(rand.Text()) }

// eventually waits for what comes beside a request, such as an inbox that follows a message.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 500 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("after 5 s it is not so that %s", what)
}
