package realtime

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

const reconnectPacket = `42["reconnect",`

func TestADrainAsksASocketIOClientToReconnectAndClosesItsConnection(t *testing.T) {
	overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
		ada, bob := s.enter(t, w, "ada"), s.enter(t, w, "bob")
		s.app.hub.drain(t.Context(), time.Second)
		ada.wantEnd(reconnectPacket)
		bob.wantEnd(reconnectPacket)
		response, code := s.knock(t, socketIOQuery(w.revision, w.transport, ""), w.transport == "websocket")
		if response.StatusCode != http.StatusServiceUnavailable || code != "stopping" {
			t.Errorf("a new one is refused with %d %q", response.StatusCode, code)
		}
	})
}

func TestAPollingClientHearsOfADrainByItsNextPoll(t *testing.T) {
	for _, w := range socketIOWays[2:] {
		t.Run(w.name, func(t *testing.T) {
			inScene(t, Config{}, func(t *testing.T, s *scene) {
				l := s.ring(t, w, s.issuer.Token(t, "ada", time.Hour))
				until(t, l, "40")
				if err := l.say(`421["join",{"conversation":"c"}]`); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				s.app.hub.drain(t.Context(), time.Second)
				said, ended := l.next()
				if !slices.EqualFunc(said, []string{"431[", reconnectPacket}, strings.HasPrefix) || ended == nil {
					t.Fatalf("heard %q, %v", said, ended)
				}
				var event reconnectEvent
				_ = json.Unmarshal([]byte(strings.TrimSuffix(said[1][len(reconnectPacket):], "]")), &event)
				if event.Type != chat.Reconnect || event.AfterMS < 0 || event.AfterMS > maxReconnect.Milliseconds() {
					t.Errorf("heard %q", said[1])
				}
			})
		})
	}
}
