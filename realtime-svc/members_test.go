package realtime

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

func TestARemovedMemberIsToldOnceAndGetsNoMore(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		ada, bob, elsewhere := g.as(t, "ada"), g.as(t, "bob"), g.as(t, "ada")
		ada.join("c")
		bob.join("c")
		elsewhere.wantNothing()
		g.publishMember(g.member(chat.MemberRemoved, "c", "ada", 0))
		g.say("c", "bob", 1)
		for _, c := range []*client{ada, elsewhere, bob} {
			if s := c.want(chat.MemberRemoved); s.UserID != "ada" || s.ConversationID != "c" || s.Version != 2 {
				t.Errorf("received %+v", s)
			}
		}
		bob.wantRevs(1, 1)
		ada.wantNothing()
		elsewhere.wantNothing()
		ada.send(`{"id":1,"type":"join","conversation":"c"}`)
		ada.wantCode("conversation_not_found")
		ada.send(`{"id":1,"type":"send","conversation":"c","body":"hi"}`)
		ada.wantCode("conversation_not_found")
	})
}

func TestAnEventOfTheMembersThatWasLostIsMadeGood(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob", "eve")
		ada, bob := g.as(t, "ada"), g.as(t, "bob")
		ada.join("c")
		bob.join("c")
		g.member(chat.MemberRemoved, "c", "ada", 0) // lost on both channels
		g.member(chat.MemberAdded, "c", "joe", 0)   // lost
		g.publishMember(g.member(chat.MemberRemoved, "c", "eve", 0))
		if s := ada.want(chat.MemberRemoved); s.UserID != "ada" {
			t.Errorf("received %+v", s)
		}
		told := map[string]string{}
		for range 3 {
			s := bob.next()
			told[s.UserID] = s.Type
			if s.Version != 4 {
				t.Errorf("received %+v", s)
			}
		}
		if told["ada"] != chat.MemberRemoved || told["eve"] != chat.MemberRemoved || told["joe"] != chat.MemberAdded {
			t.Errorf("bob was told %v", told)
		}
		g.say("c", "bob", 1)
		bob.wantRevs(1, 1)
		ada.wantNothing()
	})
}

func TestARemovalThatOnlyHerOwnChannelTellsPutsAMemberOut(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		ada := g.as(t, "ada")
		ada.join("c")
		g.publish(chat.UserChannel("ada"), g.member(chat.MemberRemoved, "c", "ada", 0))
		ada.want(chat.MemberRemoved)
		g.say("c", "bob", 1)
		ada.wantNothing()
	})
}

func TestAMemberWhoseEventIsOnItsWayMayJoinAtOnce(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "bob")
		bob := g.as(t, "bob")
		bob.join("c")
		added := g.member(chat.MemberAdded, "c", "ada", 0)
		ada := g.as(t, "ada")
		ada.join("c")
		g.publishMember(added)
		if s := ada.want(chat.MemberAdded); s.UserID != "ada" {
			t.Errorf("received %+v", s)
		}
		if s := bob.want(chat.MemberAdded); s.UserID != "ada" || s.Version != 2 {
			t.Errorf("received %+v", s)
		}
		bob.wantNothing()
		ada.wantNothing()
	})
}

// The member set is read with her in it; before the answer is here, she is removed and that is told.
func TestAMemberRemovedWhileSheJoinsIsNotLetIn(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		g.onMemberSets = func(n int) {
			if n == 1 {
				g.publishMember(g.member(chat.MemberRemoved, "c", "ada", 0))
				eventually(t, "the removal was heard", func() bool {
					r, ok := g.app.hub.shard(chat.ConversationChannel("c")).rooms.get("c")
					r.mu.Lock()
					defer r.mu.Unlock()
					return ok && r.members.newest == 2
				})
			}
		}
		ada := g.as(t, "ada")
		ada.wantNothing()
		ada.send(`{"id":1,"type":"join","conversation":"c"}`)
		answers := map[string]string{}
		for range 2 { // her own channel is another's than the conversation's: in no order
			s := ada.next()
			answers[s.Type] = s.Code
		}
		if _, told := answers[chat.MemberRemoved]; !told || answers["error"] != "conversation_not_found" {
			t.Errorf("received %v", answers)
		}
		bob := g.as(t, "bob")
		bob.join("c")
		g.say("c", "bob", 1)
		bob.wantRevs(1, 1)
		ada.wantNothing()
	})
}

func TestARemovedMemberInAReplayGetsNoMoreOfIt(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	for range 900 {
		g.store("c", "ada", string(make([]byte, 4<<10)))
	}
	ada := g.as(t, "ada")
	ada.send(joinFrom("0"))
	ada.wantRevs(1, 1)
	g.publishMember(g.member(chat.MemberRemoved, "c", "ada", 0))
	last := int64(1)
	for s := ada.next(); s.Type != chat.MemberRemoved; s = ada.next() {
		last = s.Rev
	}
	if last == 900 {
		t.Error("the replay ended before she was removed: the test shows nothing")
	}
	ada.wantCode("conversation_not_found")
	ada.wantNothing()
}

func TestEventsOfMessagesBeforeAMembersHistoryAreLeftOut(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "bob")
		first := g.store("c", "bob", "before her")
		g.announce(first)
		g.publishMember(g.member(chat.MemberAdded, "c", "ada", 1))
		g.say("c", "bob", 1)
		ada, bob := g.as(t, "ada"), g.as(t, "bob")
		ada.send(joinFrom("0"))
		ada.wantRevs(2, 2)
		if s := ada.want("reply"); s.Joined.Rev != 2 {
			t.Errorf("received %+v", s)
		}
		bob.join("c")
		g.announce(g.edit(first, "edited"))
		g.say("c", "bob", 1)
		bob.wantRevs(3, 4)
		ada.wantRevs(4, 4)
		ada.wantNothing()
	})
}

func TestADeletedConversationPutsEverybodyOut(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada", "bob")
	ada := g.as(t, "ada")
	ada.join("c")
	g.set(func(w *world) { delete(w.conversations, "c") })
	g.app.hub.checkSoon()
	if s := ada.want(chat.MemberRemoved); s.UserID != "ada" {
		t.Errorf("received %+v", s)
	}
	ada.wantNothing()
}

func TestAJoinIsRefusedWhileConversationServiceIsDown(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	ada := g.as(t, "ada")
	g.set(func(w *world) { w.down = true })
	ada.send(`{"id":1,"type":"join","conversation":"c"}`)
	ada.wantCode("service_unavailable")
	g.set(func(w *world) { w.down = false })
	ada.join("c")
	g.say("c", "ada", 1)
	ada.wantRevs(1, 1)
}

func TestAClearedHistoryIsHiddenFromLiveSocketsToo(t *testing.T) {
	overBrokers(t, func(t *testing.T, g *gateway) {
		g.create("c", "ada", "bob")
		first := g.store("c", "bob", "one")
		g.announce(first)
		ada, bob := g.as(t, "ada"), g.as(t, "bob")
		ada.join("c")
		bob.join("c")
		g.publish(chat.ConversationChannel("c"), g.member(chat.MemberCleared, "c", "ada", 1))
		g.announce(g.edit(first, "edited"))
		g.say("c", "bob", 1)
		bob.wantRevs(2, 3)
		ada.wantRevs(3, 3)
		ada.send(joinFrom("0"))
		ada.wantRevs(3, 3)
	})
}

func TestAClearedHistoryThatNobodyToldOfIsHiddenAfterAWhile(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.create("c", "ada", "bob")
		ada, bob := b.socket("ada"), b.socket("bob")
		b.join(ada, "c")
		b.join(bob, "c")
		first := b.store("c", "bob", "one")
		b.announce(first)
		b.member(chat.MemberCleared, "c", "ada", 1)
		time.Sleep(checkEvery)
		synctest.Wait()
		b.announce(b.edit(first, "edited"))
		synctest.Wait()
		wantRevs(t, taken(ada), 1, 1)
		wantRevs(t, taken(bob), 1, 2)
	})
}

func TestMemberSetsAreFetchedWhereTheirVersionDiffersAndNotTooManyAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		const rooms = maxFetches + 10
		ada := b.socket("ada")
		for i := range rooms {
			b.create(strconv.Itoa(i), "ada")
			b.join(ada, strconv.Itoa(i))
		}
		requireFetched := func(want int) {
			t.Helper()
			time.Sleep(checkEvery + 2*time.Second)
			synctest.Wait()
			b.set(func(w *world) {
				if w.memberSets != want {
					t.Errorf("member sets were asked for %d times, want %d", w.memberSets, want)
				}
			})
		}
		requireFetched(rooms) // by those who joined

		var under, most int
		b.onMemberSets = func(int) {
			b.set(func(*world) { under++; most = max(most, under) })
			time.Sleep(100 * time.Millisecond)
			b.set(func(*world) { under-- })
		}
		for i := range rooms - 1 {
			b.member(chat.MemberAdded, strconv.Itoa(i), "bob", 0) // lost
		}
		requireFetched(2*rooms - 1)
		if n := len(taken(ada)); n != rooms-1 {
			t.Errorf("%d frames came, want one for each change", n)
		}
		if most != maxFetches {
			t.Errorf("%d requests were under way at once, want %d", most, maxFetches)
		}
	})
}
