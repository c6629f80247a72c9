package realtime

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

func TestASocketThatJoinedGetsEachEventOnceInOrder(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		g.say("c", "ada", 3)
		ada, bob := g.as(t, "ada"), g.as(t, "bob")
		if rev := bob.join("c"); rev != 3 {
			t.Fatalf("joined at rev %d, want 3", rev)
		}
		ada.join("c")
		first := g.store("c", "ada", "hi")
		g.announce(first)
		edited := g.edit(first, "hi, edited")
		g.announce(edited)
		for _, c := range []*client{ada, bob} {
			if s := c.want(chat.MessageCreated); s.Rev != 4 || s.ConversationID != "c" || s.Message.Body != "hi" {
				t.Errorf("received %+v", s)
			}
			if s := c.want(chat.MessageUpdated); s.Rev != 5 || s.Message.Rev != 5 || s.Message.Seq != 4 {
				t.Errorf("received %+v", s)
			}
			c.wantNothing()
		}
	})
}

func TestLostAnnouncementsAreFetched(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada")
		ada := g.as(t, "ada")
		ada.join("c")
		for range 5 {
			g.store("c", "ada", "lost")
		}
		g.say("c", "ada", 1)
		ada.wantRevs(1, 6)
		g.say("c", "ada", 1)
		ada.wantRevs(7, 7)
		ada.wantNothing()
	})
}

func TestASocketThatLeftGetsNoMore(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		ada, bob := g.as(t, "ada"), g.as(t, "bob")
		ada.join("c")
		bob.join("c")
		ada.send(`{"id":2,"type":"leave","conversation":"c"}`)
		ada.want("reply")
		g.say("c", "bob", 1)
		bob.wantRevs(1, 1)
		ada.wantNothing()
		ada.send(`{"id":3,"type":"leave","conversation":"c"}`)
		ada.wantCode("not_joined")
		if rev := ada.join("c"); rev != 1 {
			t.Errorf("joined at %d, want 1", rev)
		}
	})
}

func TestSendsOfOneSocketAreStoredInTheirOrder(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada")
		g.create("d", "ada")
		var mu sync.Mutex
		under := map[string]int{}
		g.onSend = func(body string) {
			conversationID, _, _ := strings.Cut(body, " ")
			mu.Lock()
			under[conversationID]++
			if under[conversationID] > 1 {
				t.Errorf("two sends to %s are under way", conversationID)
			}
			mu.Unlock()
			time.Sleep(time.Millisecond) // so that another could overtake
			mu.Lock()
			under[conversationID]--
			mu.Unlock()
		}
		ada := g.as(t, "ada")
		const n = 30
		for i := range n {
			for j, id := range []string{"c", "d"} {
				ada.send(fmt.Sprintf(`{"id":%d,"type":"send","conversation":%q,"body":"%s %d"}`, 2*i+j, id, id, i))
			}
		}
		answered := map[int64]bool{}
		for range 2 * n {
			s := ada.want("reply")
			if s.Message == nil || answered[*s.ID] {
				t.Fatalf("received %+v", s)
			}
			answered[*s.ID] = true
		}
		for _, id := range []string{"c", "d"} {
			for i, body := range g.sentBy[id] {
				if want := fmt.Sprintf("%s %d", id, i); body != want {
					t.Fatalf("message %d of %s is %q, want %q", i, id, body, want)
				}
			}
		}
	})
}

func TestTheLargestMessageWithEveryCharacterEscapedIsTaken(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	ada := g.as(t, "ada")
	body := strings.Repeat("\x01", chat.MaxBody)
	escaped, _ := json.Marshal(body)
	ada.send(`{"id":1,"type":"send","conversation":"c","client_msg_id":"a","body":` + string(escaped) + `}`)
	if s := ada.want("reply"); s.Message == nil || s.Message.Body != body {
		t.Error("the message came back changed")
	}
}

func TestReadAndTypingReachTheOthers(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		g.say("c", "ada", 2)
		ada, bob := g.as(t, "ada"), g.as(t, "bob")
		ada.send(`{"id":9,"type":"typing","conversation":"c"}`)
		ada.wantCode("not_joined")
		ada.join("c")
		bob.join("c")
		ada.send(`{"id":2,"type":"typing","conversation":"c"}`)
		ada.want("reply")
		if s := bob.want(chat.Typing); s.UserID != "ada" || s.ConversationID != "c" {
			t.Errorf("received %+v", s)
		}
		bob.send(`{"id":3,"type":"read","conversation":"c","seq":2}`)
		if s := ada.want(chat.Read); s.UserID != "bob" || s.Seq != 2 {
			t.Errorf("received %+v", s)
		}
		for range 2 { // his own sockets get it too, in no order with the reply
			if s := bob.next(); s.Type == "reply" && (s.ReadSeq == nil || *s.ReadSeq != 2) {
				t.Errorf("received %+v", s)
			}
		}
		bob.send(`{"id":4,"type":"read","conversation":"c","seq":3}`)
		bob.wantCode("invalid_field")
	})
}

func TestTypingIsLimitedInRate(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	ada := g.as(t, "ada")
	ada.join("c")
	for range typingRule.Burst {
		ada.send(`{"id":2,"type":"typing","conversation":"c"}`)
		ada.want("reply")
	}
	ada.send(`{"type":"typing","conversation":"c"}`)
	if s := ada.wantCode("rate_limited"); s.RetryAfterMS <= 0 || s.ID != nil {
		t.Errorf("received %+v", s)
	}
}

func TestWhatComesOnTheUserChannelReachesAllHerSockets(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		one, other, bob := g.as(t, "ada"), g.as(t, "ada"), g.as(t, "bob")
		for _, c := range []*client{one, other, bob} {
			c.wantNothing() // it is one of the user's now
		}
		g.publish(chat.UserChannel("ada"), chat.InboxEvent{Type: chat.Inbox, ConversationID: "c", Seq: 4, Rev: 5})
		for _, c := range []*client{one, other} {
			if s := c.want(chat.Inbox); s.ConversationID != "c" || s.Seq != 4 || s.Rev != 5 {
				t.Errorf("received %+v", s)
			}
		}
		bob.wantNothing()
	})
}

func TestStrangersAreTurnedAway(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada")
		eve := g.as(t, "eve")
		for _, id := range []string{"c", "nothing"} {
			eve.send(`{"id":1,"type":"join","conversation":"` + id + `"}`)
			eve.wantCode("conversation_not_found")
			eve.send(`{"id":2,"type":"send","conversation":"` + id + `","body":"hi"}`)
			eve.wantCode("conversation_not_found")
		}
		ada := g.as(t, "ada")
		ada.join("c") // the room is open now
		eve.send(`{"id":1,"type":"join","conversation":"c"}`)
		eve.wantCode("conversation_not_found")
		g.say("c", "ada", 1)
		ada.wantRevs(1, 1)
		eve.wantNothing()
	})
}
