package realtime

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

func joinFrom(rev string) string {
	return `{"id":7,"type":"join","conversation":"c","rev":` + rev + `}`
}

func TestAJoinWithARevReplaysWhatWasMissed(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		g.say("c", "bob", 20)
		for missed, name := range map[int64]string{0: "nothing", 1: "one", 20: "all"} {
			t.Run(name, func(t *testing.T) {
				ada := g.as(t, "ada")
				ada.send(joinFrom(fmt.Sprint(20 - missed)))
				ada.wantRevs(20-missed+1, 20)
				if s := ada.want("reply"); s.Joined == nil || s.Joined.Rev != 20 || *s.ID != 7 {
					t.Errorf("received %+v", s)
				}
				ada.wantNothing()
			})
		}
		g.set(func(w *world) {
			if w.feeds != 0 {
				t.Errorf("message-svc was asked %d times for what the log holds", w.feeds)
			}
		})
	})
}

func TestAReplayComesFromMessageServiceWhereTheLogLacksAnEvent(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada")
		for i := range 450 {
			if e := g.store("c", "ada", "hi"); i != 200 {
				g.announce(e)
			}
		}
		ada := g.as(t, "ada")
		ada.send(joinFrom("100"))
		ada.wantRevs(101, 450)
		ada.want("reply")
		ada.wantNothing()
	})
}

// Redis came back empty, and then all sockets of a gateway do: the log has nothing, and each has missed the same.
func TestSocketsThatMissedTheSameCostOneReadWhereTheLogHasNothing(t *testing.T) {
	const sockets, most = 30, 3
	g := inMemory(t)
	g.create("c", "ada")
	for range 50 {
		g.store("c", "ada", "hi")
	}
	waiting := g.as(t, "ada")
	waiting.join("c") // so that the room is open
	release := make(chan struct{})
	g.set(func(w *world) { w.feeds, w.onFeed = 0, func() { <-release } })
	var all []*client
	for range sockets {
		ada := g.as(t, "ada")
		ada.send(joinFrom("10"))
		all = append(all, ada)
	}
	eventually(t, "a feed is asked for", func() (asked bool) {
		g.set(func(w *world) { asked = w.feeds > 0 })
		return asked
	})
	time.Sleep(50 * time.Millisecond) // for the other joins to come
	close(release)
	for _, ada := range all {
		ada.wantRevs(11, 50)
		ada.want("reply")
	}
	g.set(func(w *world) {
		if w.feeds > most {
			t.Errorf("message-svc was asked %d times for the same", w.feeds)
		}
	})
}

func TestARevThatIsNoneIsRefused(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	g.say("c", "ada", 3)
	ada := g.as(t, "ada")
	for rev, code := range map[string]string{
		"-1": "invalid_field", "1.5": "invalid_field", `"3"`: "invalid_field", "9007199254740992": "invalid_field",
		"1e400": "invalid_field", "[1]": "invalid_field", "4": "rev_not_reached", "9007199254740991": "rev_not_reached",
	} {
		ada.send(joinFrom(rev))
		if s := ada.wantCode(code); s.Field != "rev" || *s.ID != 7 {
			t.Errorf("rev %s: received %+v", rev, s)
		}
	}
	g.say("c", "ada", 1)
	ada.wantNothing()
}

func TestARevThatThisReplicaHasNotHeardOfIsFetched(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		bob := g.as(t, "bob")
		bob.join("c")
		for range 3 {
			g.store("c", "ada", "not announced here yet")
		}
		ada := g.as(t, "ada")
		ada.send(joinFrom("2"))
		ada.wantRevs(3, 3)
		ada.want("reply")
		bob.wantRevs(1, 3)
	})
}

func TestWhoMissedTooMuchIsToldToReadTheFeed(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	for range maxResume + 1 {
		g.store("c", "ada", "hi")
	}
	ada := g.as(t, "ada")
	ada.send(joinFrom("0"))
	if s := ada.want(chat.Resync); s.ConversationID != "c" || s.Rev != maxResume+1 || !*s.Live {
		t.Errorf("received %+v", s)
	}
	if s := ada.want("reply"); s.Joined.Rev != maxResume+1 {
		t.Errorf("received %+v", s)
	}
	g.say("c", "ada", 1)
	ada.wantRevs(maxResume+2, maxResume+2)
	ada.send(joinFrom("2")) // joined already: a join again starts anew
	ada.wantRevs(3, maxResume+2)
	ada.want("reply")
	ada.wantNothing()
}

func TestAReplayLargerThanTheQueueReachesASlowClient(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	body := strings.Repeat("x", 8<<10) // 500 of them are sixteen queues
	for range 500 {
		g.store("c", "ada", body)
	}
	ada := g.as(t, "ada")
	ada.send(joinFrom("0"))
	ada.wantRevs(1, 1)
	g.say("c", "ada", 10) // while the replay waits for the client
	ada.wantRevs(2, 500)
	ada.want("reply")
	ada.wantRevs(501, 510)
	ada.wantNothing()
}

func TestSocketsThatComeAndGoWhileOthersTalkMissNothing(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		const events, sockets = 400, 8
		var talking sync.WaitGroup
		talking.Go(func() {
			for i := range events {
				if e := g.store("c", "bob", "hi"); i%7 != 3 { // every seventh announcement is lost
					g.announce(e)
				}
			}
			g.say("c", "bob", 1)
		})
		var following sync.WaitGroup
		for range sockets {
			following.Go(func() { follow(t, g, events+1) })
		}
		talking.Wait()
		following.Wait()
	})
}

// follow reads every event up to the last on sockets that it drops again and again.
func follow(t *testing.T, g *gateway, last int64) {
	for rev := int64(0); rev < last; {
		c := g.as(t, "ada")
		c.send(joinFrom(fmt.Sprint(rev)))
		for budget := 25; budget > 0 && rev < last; budget-- {
			s := c.next()
			switch {
			case s.Type == "reply" && s.Joined.Rev == rev:
			case s.Message != nil && s.Rev == rev+1:
				rev++
			default:
				t.Errorf("received %+v after rev %d", s, rev)
				return
			}
		}
		_ = c.ws.Close()
	}
}
