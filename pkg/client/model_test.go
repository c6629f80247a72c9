package client_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

var (
	walks = flag.Int("walks", 30, "random walks of the model of a server")
	seed  = flag.Uint64("seed", 0, "the first walk's seed; zero: a random one")
)

// model is a server of two conversations that does at random what docs/protocol.md lets a server do: it breaks connections in any
// place, restarts, refuses, puts sockets out, asks for resyncs, hides events and loses answers.
type model struct {
	t   *testing.T
	rng *rand.Rand

	mu     durableMutex
	last   map[string]int64
	hidden map[string]map[int64]bool
	stored map[string][]string // bodies by conversation, in order
	keys   map[string]bool     // client_msg_ids stored
	ws     *websocket.Conn
	joined map[string]bool
}

// durableMutex is a mutex that lets the bubble's time pass for those who wait for it.
type durableMutex chan struct{}

func (m durableMutex) Lock()   { m <- struct{}{} }
func (m durableMutex) Unlock() { <-m }

func TestWhateverTheServerDoesEachEventComesOnceAndInOrder(t *testing.T) {
	first := *seed
	if first == 0 {
		first = rand.Uint64()
	}
	for n := range uint64(*walks) {
		if !t.Run(fmt.Sprint("seed ", first+n), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { walk(t, first+n) }) }) {
			t.Fatalf("run it again with -walks 1 -seed %d", first+n)
		}
	}
}

func walk(t *testing.T, seed uint64) {
	m := &model{
		t: t, rng: rand.New(rand.NewPCG(seed, 0)), mu: make(durableMutex, 1), last: map[string]int64{}, hidden: map[string]map[int64]bool{"c1": {}, "c2": {}},
		stored: map[string][]string{}, keys: map[string]bool{}, joined: map[string]bool{},
	}
	s := serve(t)
	s.on("GET /v1/messages", m.feed)
	got, lag := map[string][]int64{}, rand.New(rand.NewPCG(seed, 1))
	r := run(t, s.newClient(), func(v any) {
		if e, ok := v.(chat.Event); ok {
			got[e.ConversationID] = append(got[e.ConversationID], e.Rev)
			if lag.IntN(20) == 0 {
				time.Sleep(time.Duration(lag.IntN(300)) * time.Millisecond)
			}
		}
	}, 8+m.int(30))
	r.Join("c1", 0)
	r.Join("c2", 0)
	var senders sync.WaitGroup
	for _, conversation := range []string{"c1", "c2"} {
		senders.Go(func() {
			for i := range 15 {
				if _, err := r.Send(t.Context(), client.Draft{ConversationID: conversation, Body: strconv.Itoa(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	var serving sync.WaitGroup
	serving.Go(func() { m.serve(s, stop) })
	for range 200 {
		m.step()
		if m.chance(3) {
			time.Sleep(time.Duration(m.int(400)) * time.Millisecond)
		}
	}
	senders.Wait()
	time.Sleep(10 * time.Minute) // whatever is owed comes
	r.cancel()
	close(stop)
	serving.Wait()
	<-r.ended
	m.judge(got, r.Stats())
}

func (m *model) judge(got map[string][]int64, stats client.Stats) {
	for _, conversation := range []string{"c1", "c2"} {
		want := slices.DeleteFunc(revs(1, m.last[conversation]), func(rev int64) bool { return m.hidden[conversation][rev] })
		if !slices.Equal(got[conversation], want) {
			m.t.Errorf("%s: handed over %v, want %v", conversation, got[conversation], want)
		}
		for i, body := range m.stored[conversation] {
			if body != strconv.Itoa(i) || len(m.stored[conversation]) != 15 {
				m.t.Errorf("%s: stored %v", conversation, m.stored[conversation])
				break
			}
		}
	}
	if stats.Duplicates != 0 || stats.OutOfOrder != 0 {
		m.t.Errorf("counted %+v of a server that sends each event once", stats)
	}
}

func (m *model) int(n int) int             { m.mu.Lock(); defer m.mu.Unlock(); return m.rng.IntN(n) }
func (m *model) chance(one int) bool       { return m.int(one) == 0 }
func (m *model) chanceLocked(one int) bool { return m.rng.IntN(one) == 0 }

// step lets something happen in a conversation, or to the connection.
func (m *model) step() {
	m.mu.Lock()
	defer m.mu.Unlock()
	conversation := []string{"c1", "c2"}[m.rng.IntN(2)]
	switch m.rng.IntN(12) {
	case 0:
		m.cut()
	case 1:
		m.say(`{"type":"reconnect","after_ms":100}`)
		m.bye(1012)
	case 2:
		m.bye([]int{1013, 4408, 4409, 4429, 1001}[m.rng.IntN(5)])
	case 3:
		m.putOut(conversation)
	default:
		m.publish(conversation)
	}
}

// publish adds an event. It reaches the socket where that has joined, but for a hidden one.
func (m *model) publish(conversation string) {
	m.last[conversation]++
	rev := m.last[conversation]
	if m.hidden[conversation][rev] = m.chanceLocked(5); m.hidden[conversation][rev] {
		return
	}
	if m.joined[conversation] {
		m.event(conversation, rev)
	}
}

func (m *model) putOut(conversation string) {
	if m.joined[conversation] {
		m.joined[conversation] = false
		m.say(`{"type":"resync","conversation_id":%q,"rev":%d,"live":false}`, conversation, m.last[conversation])
	}
}

func (m *model) event(conversation string, rev int64) {
	data, _ := json.Marshal(event(conversation, rev))
	m.say("%s", data)
}

func (m *model) say(format string, args ...any) {
	if m.ws != nil {
		_ = m.ws.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...))
	}
}

func (m *model) cut() {
	if m.ws != nil {
		_ = m.ws.Close()
		m.ws, m.joined = nil, map[string]bool{}
	}
}

func (m *model) bye(code int) {
	if m.ws != nil {
		_ = m.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
		m.cut()
	}
}

// serve answers the commands of one socket after the other.
func (m *model) serve(s *server, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case opened := <-s.sockets:
			m.mu.Lock()
			m.ws = opened.ws
			m.mu.Unlock()
			for {
				var cmd said
				if err := opened.ws.ReadJSON(&cmd); err != nil {
					break
				}
				m.answer(opened, cmd)
			}
			m.mu.Lock()
			m.cut()
			m.mu.Unlock()
			_ = opened.ws.Close()
		}
	}
}

func (m *model) answer(ws *socket, cmd said) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ws != ws.ws {
		return
	}
	switch cmd.Type {
	case "auth":
		ws.say(`{"type":"reply","id":%d,"session":{"user_id":"me"}}`, cmd.ID)
	case "join":
		m.join(ws, cmd)
	case "send":
		m.send(ws, cmd)
	}
}

func (m *model) join(ws *socket, cmd said) {
	if m.chanceLocked(8) {
		ws.fail(cmd, "members_changing", 50)
		return
	}
	last := m.last[cmd.Conversation]
	if last-*cmd.Rev > 10 {
		ws.say(`{"type":"resync","conversation_id":%q,"rev":%d,"live":true}`, cmd.Conversation, last)
	} else {
		for rev := *cmd.Rev + 1; rev <= last; rev++ {
			if m.chanceLocked(30) {
				m.cut()
				return
			}
			if !m.hidden[cmd.Conversation][rev] {
				m.event(cmd.Conversation, rev)
			}
		}
	}
	ws.joined(cmd, last)
	m.joined[cmd.Conversation] = true
}

func (m *model) send(ws *socket, cmd said) {
	if m.chanceLocked(8) {
		ws.fail(cmd, "rate_limited", 30)
		return
	}
	if !m.keys[cmd.ClientMsgID] {
		m.keys[cmd.ClientMsgID] = true
		m.stored[cmd.Conversation] = append(m.stored[cmd.Conversation], cmd.Body)
		m.publish(cmd.Conversation)
	}
	if m.chanceLocked(6) {
		m.cut()
		return
	}
	ws.stored(cmd)
}

func (m *model) feed(w http.ResponseWriter, r *http.Request) {
	if m.chance(6) {
		inTurn([]http.HandlerFunc{hangUp, answer(503, `{"code":"busy"}`), answer(500, "oops")}[m.int(3)])(w, r)
		return
	}
	conversation := r.URL.Query().Get("conversation_id")
	after, _ := strconv.ParseInt(strings.TrimSpace(r.URL.Query().Get("after_rev")), 10, 64)
	m.mu.Lock()
	defer m.mu.Unlock()
	page := client.Feed{Items: []chat.Event{}, Next: min(m.last[conversation], after+7), HasMore: m.last[conversation] > after+7}
	for rev := after + 1; rev <= page.Next; rev++ {
		if !m.hidden[conversation][rev] {
			page.Items = append(page.Items, event(conversation, rev))
		}
	}
	_ = json.NewEncoder(w).Encode(page)
}
