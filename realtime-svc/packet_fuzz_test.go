package realtime

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/token"
)

// Whatever comes on the channels, a room with five events passes no event but the sixth, once, and none to a member whose history
// starts after its message; what is no packet of ours is passed over.
func FuzzPackets(f *testing.F) {
	for _, seed := range []string{
		`{"type":"message.created","conversation_id":"c","rev":6,"message":{"id":"m6","seq":6,"rev":6}}`,
		`{"type":"message.updated","rev":6,"message":{"id":"m1","seq":1,"rev":6}}`, `{"type":"message.deleted","rev":5,"message":{"seq":9}}`,
		`{"type":"message.created","rev":9007199254740993,"message":{}}`, `{"type":"message.created","rev":-1,"message":{"seq":-1}}`,
		`{"type":"message.created","rev":6}`, `{"type":"member.removed","user_id":"ada","members_version":2}`,
		`{"type":"member.added","user_id":"bob","members_version":2,"from_seq":-1}`, `{"type":"member.cleared","user_id":"ada","from_seq":9}`,
		`{"type":"member.removed","user_id":"ada","members_version":-9223372036854775808}`, `{"type":"typing","user_id":"ada"}`,
		`{"type":"read","user_id":"eve","seq":1}`, `{"type":"inbox","seq":1}`, `{"type":"session.ended","session_id":""}`,
		`{"type":"resync","live":true}`, `{"type":"reply","id":1}`, `null`, `[]`, `{"type":"read"`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		w := newWorld(t, broker.NewMemory())
		env := servertest.Env(t, &peer.Peers{Conversations: w, Messages: w})
		env.Broker, env.Log = w.broker, slog.New(slog.DiscardHandler)
		h, err := newHub(t.Context(), env, token.NewVerifier(env.Peers, env.Log))
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			h.stop()
			h.background.Wait()
			_ = h.subscription.Close()
		}()
		w.create("c", "ada", "bob")
		w.say("c", "ada", 5)
		w.conversations["c"].members["bob"] = 3 // seqs 1 to 3 are hidden from him
		b := &bubble{world: w, hub: h}
		ada, bob := b.socket("ada"), b.socket("bob")
		b.join(ada, "c")
		b.join(bob, "c")
		room, _ := h.shard(chat.ConversationChannel("c")).rooms.get("c")
		for _, topic := range []interface{ deliver([]byte) }{room, ada.user, room, ada.user} { // each comes twice
			topic.deliver(payload)
		}
		for s, hidden := range map[*session]int64{ada: 0, bob: 3} {
			requirePlausible(t, payload, taken(s), hidden, s.userID())
		}
		if last := room.order.last; last != 5 && last != 6 {
			t.Errorf("%q moves the room to %d", payload, last)
		}
	})
}

func requirePlausible(t *testing.T, payload []byte, frames []frame, hidden int64, userID string) {
	t.Helper()
	if len(frames) > 0 && !json.Valid(payload) {
		t.Errorf("%q is passed on as %s", payload, frames[0].data)
	}
	events := 0
	for _, f := range frames {
		var s said
		if err := json.Unmarshal(f.data, &s); err != nil || s.Type != f.kind {
			t.Fatalf("%q makes a frame %q of type %s: %v", payload, f.data, f.kind, err)
		}
		switch s.Type {
		case chat.MessageCreated, chat.MessageUpdated, chat.MessageDeleted:
			if events++; s.Rev != 6 || s.Message == nil || s.Message.Seq <= hidden || s.ConversationID != "c" {
				t.Errorf("%q makes %s", payload, f.data)
			}
		case chat.Typing:
			if s.UserID == userID {
				t.Errorf("%s hears herself type", userID)
			}
		case chat.MemberAdded, chat.MemberRemoved, chat.Read, chat.Inbox:
		default:
			t.Errorf("%q makes %s", payload, f.data)
		}
	}
	if events > 1 {
		t.Errorf("%q passes %d times", payload, events)
	}
}
