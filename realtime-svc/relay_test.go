package realtime

import (
	"bytes"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

const polling = "/socket.io/?EIO=4&transport=polling"

// poll opens a polling session of the user, and returns its id.
func (g *gateway) poll(t *testing.T, userID string) string {
	t.Helper()
	answer := servertest.Call(t, "GET", g.http+polling+"&token="+url.QueryEscape(g.issuer.Token(t, userID, time.Hour)), "", nil)
	return sidOf(t, answer.Body)
}

// sidOf returns the session's id in the answer to a handshake.
func sidOf(t *testing.T, answer string) string {
	t.Helper()
	_, rest, _ := strings.Cut(answer, `"sid":"`)
	sid, _, found := strings.Cut(rest, `"`)
	if !found {
		t.Fatalf("the handshake's answer is %q", answer)
	}
	return sid
}

func want(t *testing.T, answer servertest.Answer, status int, body string) {
	t.Helper()
	if answer.Status != status || !strings.HasPrefix(answer.Body, body) {
		t.Errorf("got %d %q, want %d %s…", answer.Status, answer.Body, status, body)
	}
}

const unknownSession = `{"code":1,"message":"Session ID unknown"}`

func twoGateways(t *testing.T) (first, second *gateway) {
	t.Helper()
	w := newWorld(t, broker.NewMemory())
	w.create("c", "ada")
	return startGateway(t, w), startGateway(t, w)
}

func TestAPollThatAnotherReplicaGetsIsPassedOn(t *testing.T) {
	first, second := twoGateways(t)
	session := polling + "&sid=" + first.poll(t, "ada")
	want(t, servertest.Call(t, "POST", second.http+session, "", "40"), 200, "ok")
	want(t, servertest.Call(t, "GET", second.http+session, "", nil), 200, `40{"sid":"`)
	want(t, servertest.Call(t, "POST", first.http+session, "", `420["join",{"conversation":"c"}]`), 200, "ok")
	want(t, servertest.Call(t, "GET", second.http+session, "", nil), 200, `430[{"joined":{"conversation_id":"c","rev":0}}]`)
	answer := servertest.Call(t, "POST", second.http+session, "", `421["ping"]`)
	want(t, answer, 200, "ok")
	if ids := answer.Header.Values("X-Request-Id"); len(ids) != 1 {
		t.Errorf("the answer has the request ids %q", ids)
	}
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(),
		strings.Replace(second.http+session, "http", "ws", 1)+"&transport=websocket", nil)
	if err == nil {
		_ = ws.Close()
		t.Fatal("two transports are none")
	}
	ws, _, err = websocket.DefaultDialer.DialContext(t.Context(),
		strings.Replace(strings.Replace(second.http+session, "http", "ws", 1), "polling", "websocket", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	for _, exchange := range [][2]string{{"2probe", "3probe"}, {"5", `431[{}]`}, {`422["ping"]`, `432[{}]`}} {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(exchange[0])); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.ReadMessage(); string(got) != exchange[1] {
			t.Fatalf("%q is answered by %q, %v", exchange[0], got, err)
		}
	}
}

func TestASessionWhoseReplicaIsGoneIsUnknown(t *testing.T) {
	g := inMemory(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	gone := newRelay(servertest.ServiceKeys)
	gone.self = listener.Addr().(*net.TCPAddr).AddrPort()
	want(t, servertest.Call(t, "GET", g.http+polling+"&sid="+gone.newID(), "", nil), 400, unknownSession)
}

func TestAPollThatAReplicaHasTakenIsNotPassedOnAgain(t *testing.T) {
	g := inMemory(t)
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 || len(r.TransferEncoding) != 0 {
			t.Errorf("a poll comes with a body: %d, %v", r.ContentLength, r.TransferEncoding)
		}
		if asked.Add(1) == 1 {
			return // so that the connection is used again
		}
		panic(http.ErrAbortHandler)
	}))
	defer other.Close()
	there := newRelay(servertest.ServiceKeys)
	there.self = other.Listener.Addr().(*net.TCPAddr).AddrPort()
	sid := there.newID()
	want(t, servertest.Call(t, "GET", g.http+polling+"&sid="+sid, "", nil), 200, "")
	want(t, servertest.Call(t, "GET", g.http+polling+"&sid="+sid, "", nil), 400, unknownSession)
	if n := asked.Load(); n != 2 {
		t.Errorf("it is asked %d times for two polls", n)
	}
}

func TestNoSessionLeadsAnywhereButToAReplica(t *testing.T) {
	g := inMemory(t)
	asked := make(chan struct{}, 1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
			asked <- struct{}{}
		}
	}()
	victim := listener.Addr().(*net.TCPAddr).AddrPort()
	stranger := newRelay(peer.Keys{[]byte("another secret, of somebody else entirely")})
	stranger.self = victim
	own, _ := base64.RawURLEncoding.DecodeString(g.app.sockets.relay.newID())
	there, _ := g.app.sockets.relay.self.MarshalBinary()
	here, _ := victim.MarshalBinary()
	for name, sid := range map[string]string{
		"signed by another":    stranger.newID(),
		"with another address": base64.RawURLEncoding.EncodeToString(bytes.Replace(own, there, here, 1)),
		"cut off":              base64.RawURLEncoding.EncodeToString(own[:len(own)-1]),
		"not signed":           base64.RawURLEncoding.EncodeToString(append(make([]byte, sidRandom), here...)),
		"short":                "abc",
		"no base64":            "%F0%9F%98%80",
	} {
		want(t, servertest.Call(t, "GET", g.http+polling+"&sid="+sid, "", nil), 400, unknownSession)
		if len(asked) > 0 {
			t.Fatalf("an id %s leads elsewhere", name)
		}
	}
	want(t, servertest.Call(t, "GET", g.http+polling+"&sid="+g.app.sockets.relay.newID(), "", nil), 400, unknownSession)
}

func TestOnlyReplicasPassRequestsOn(t *testing.T) {
	g := inMemory(t)
	path := g.inside + relayPath + "?EIO=4&transport=polling"
	elsewhere, err := servertest.ServiceKeys.Token(peer.MessageService, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"", "nonsense", g.issuer.Token(t, "ada", time.Hour), elsewhere} {
		if answer := servertest.Call(t, "GET", path, token, nil); answer.Status != 401 {
			t.Errorf("token %.10q…: got %+v", token, answer)
		}
	}
}

func TestRequestsThatWaitForOtherReplicasAreBounded(t *testing.T) {
	g := inMemory(t)
	r := g.app.sockets.relay
	other := newRelay(servertest.ServiceKeys)
	other.self = netip.AddrPortFrom(r.self.Addr(), r.self.Port()-1)
	for range relayedMost {
		r.room <- struct{}{}
	}
	answer := servertest.Call(t, "GET", g.http+polling+"&sid="+other.newID(), "", nil)
	if answer.Status != 503 || answer.Header.Get("Retry-After") != "1" || !strings.Contains(answer.Body, "too_many_relayed") {
		t.Errorf("got %+v", answer)
	}
}
