package realtime

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func socketIOQuery(revision int, transport, token string) string {
	return fmt.Sprintf("/socket.io/?EIO=%d&transport=%s&token=%s", revision, transport, url.QueryEscape(token))
}

// webSocketLine is a line of one WebSocket.
type webSocketLine struct{ ws *websocket.Conn }

func (r *replica) openWebSocket(t *testing.T, revision int, token string) line {
	t.Helper()
	dialer := websocket.Dialer{NetDialContext: r.pipes.Dial}
	ws, _, err := dialer.DialContext(t.Context(), "ws://replica"+socketIOQuery(revision, "websocket", token), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantStart(t, ws, "0{")
	return webSocketLine{ws}
}

func (l webSocketLine) say(packets ...string) error {
	for _, p := range packets {
		if err := l.ws.WriteMessage(websocket.TextMessage, []byte(p)); err != nil {
			return err
		}
	}
	return nil
}

func (l webSocketLine) next() ([]string, error) {
	_, data, err := l.ws.ReadMessage()
	if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	return []string{string(data)}, nil
}

func (l webSocketLine) close() { _ = l.ws.Close() }

// pollingLine is a line of requests.
type pollingLine struct {
	t         *testing.T
	transport *http.Transport
	revision  int
	url       string
	came      []string // with the handshake's answer
}

func (r *replica) openPolling(t *testing.T, revision int, token string) line {
	t.Helper()
	l := &pollingLine{t: t, transport: &http.Transport{DialContext: r.pipes.Dial}, revision: revision}
	l.url = "http://replica" + socketIOQuery(revision, "polling", token)
	hello, err := l.do(http.MethodGet, "")
	if err != nil {
		t.Fatal(err)
	}
	l.url += "&sid=" + sidOf(t, hello)
	l.came = l.split(hello)[1:]
	return l
}

// do returns the answer's body, and an error where its status is not 200.
func (l *pollingLine) do(method, body string) (string, error) {
	request, err := http.NewRequestWithContext(l.t.Context(), method, l.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := l.transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the answer is %s: %s", response.Status, answer)
	}
	return string(answer), err
}

func (l *pollingLine) say(packets ...string) error {
	body := strings.Join(packets, "\x1e")
	if l.revision == 3 {
		body = ""
		for _, p := range packets {
			body += strconv.Itoa(len(p)) + ":" + p
		}
	}
	_, err := l.do(http.MethodPost, body)
	return err
}

// next leaves out what says only that there is nothing.
func (l *pollingLine) next() ([]string, error) {
	if came := l.came; len(came) > 0 {
		l.came = nil
		return came, nil
	}
	answer, err := l.do(http.MethodGet, "")
	if err != nil {
		return nil, err
	}
	packets := slices.DeleteFunc(l.split(answer), func(p string) bool { return p == "6" })
	if last := len(packets) - 1; last >= 0 && packets[last] == "1" {
		return packets[:last], io.EOF
	}
	return packets, nil
}

func (l *pollingLine) split(answer string) (packets []string) {
	if l.revision == 4 {
		return strings.Split(answer, "\x1e")
	}
	for answer != "" {
		digits, rest, _ := strings.Cut(answer, ":")
		length, err := strconv.Atoi(digits)
		if err != nil || length > len(rest) {
			l.t.Errorf("the answer ends with %q", answer)
			return packets
		}
		packets, answer = append(packets, rest[:length]), rest[length:]
	}
	return packets
}

func (l *pollingLine) close() { l.transport.CloseIdleConnections() }

func readAll(l line) {
	for {
		if _, err := l.next(); err != nil {
			return
		}
	}
}

// until returns what comes, up to what begins so.
func until(t *testing.T, l line, start string) (heard []string) {
	t.Helper()
	for {
		packets, err := l.next()
		heard = append(heard, packets...)
		if err != nil {
			t.Fatalf("%v, behind %d packets", err, len(heard))
		}
		if n := len(heard); n > 0 && strings.HasPrefix(heard[n-1], start) {
			return heard
		}
	}
}

// dialSocketIO returns a client that has not connected to a namespace.
func (r *replica) dialSocketIO(t *testing.T, token string) *websocket.Conn {
	t.Helper()
	return r.openWebSocket(t, 4, token).(webSocketLine).ws
}

func exchange(t *testing.T, ws *websocket.Conn, say, want string) {
	t.Helper()
	if err := ws.WriteMessage(websocket.TextMessage, []byte(say)); err != nil {
		t.Fatal(err)
	}
	wantStart(t, ws, want)
}

func wantStart(t *testing.T, ws *websocket.Conn, want string) {
	t.Helper()
	if _, got, err := ws.ReadMessage(); !strings.HasPrefix(string(got), want) {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}
