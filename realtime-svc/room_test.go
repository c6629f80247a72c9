package realtime

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/token"
)

// bubble runs a hub without listeners, in the test's own time.
type bubble struct {
	*world
	broker   *troubled
	hub      *hub
	registry *prometheus.Registry
}

func inBubble(t *testing.T, test func(t *testing.T, b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &troubled{Memory: broker.NewMemory()}
		w := newWorld(t, b)
		env := servertest.Env(t, &peer.Peers{Conversations: w, Messages: w})
		env.Broker = w.broker
		registry := prometheus.NewRegistry()
		env.Registerer = registry
		h, err := newHub(t.Context(), env, token.NewVerifier(env.Peers, env.Log))
		if err != nil {
			t.Fatal(err)
		}
		ctx, done := h.ctx, make(chan struct{})
		go func() {
			h.run(ctx)
			close(done)
		}()
		defer func() {
			h.stop()
			<-done
			h.background.Wait()
			_ = h.subscription.Close()
		}()
		test(t, &bubble{world: w, broker: b, hub: h, registry: registry})
	})
}

// troubled is a broker whose subscriptions may be said to fail.
type troubled struct {
	*broker.Memory
	fails atomic.Bool
}

func (b *troubled) Trouble() error {
	if b.fails.Load() {
		return errors.New("out of reach")
	}
	return nil
}

// socket returns a session of the user whose frames nobody writes.
func (b *bubble) socket(userID string) *session {
	s := b.hub.newSession(native{}, &httpkit.Info{})
	if err := b.hub.enter(s, identity.Identity{UserID: userID, ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bubble) join(s *session, conversationID string) {
	if err := s.join(s.ctx, command{name: cmdJoin, conversation: conversationID}); err != nil {
		b.t.Fatal(err)
	}
}

// taken returns the frames that wait in a socket's queue.
func taken(s *session) []frame {
	var frames []frame
	for {
		f, _ := s.out.take()
		if f.data == nil {
			return frames
		}
		s.out.wrote(f)
		frames = append(frames, f)
	}
}

// wantRevs wants the frames to be events of these revs, from first to last.
func wantRevs(t *testing.T, frames []frame, first, last int64) {
	t.Helper()
	if int64(len(frames)) != last-first+1 {
		t.Errorf("%d frames, want the events %d to %d", len(frames), first, last)
	}
	for i, f := range frames {
		var e chat.Event
		if err := json.Unmarshal(f.data, &e); err != nil || e.Rev != first+int64(i) || e.Message == nil {
			t.Fatalf("frame %d is %s, want rev %d", i, f.data, first+int64(i))
		}
	}
}

// gaps returns how many gaps were healed so.
func (b *bubble) gaps(healed string) float64 {
	families, err := b.registry.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "confab_gaps_total" && m.GetLabel()[0].GetValue() == healed {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestAGapWaitsThenIsFetched(t *testing.T) {
	tests := []struct {
		name   string
		late   time.Duration // after the next one; zero: never published
		logged bool
		healed string
	}{
		{"an event that comes late closes it", 49 * time.Millisecond, true, "wait"},
		{"the log has the event", 0, true, "log"},
		{"the log lacks it", 0, false, "messages"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				b.create("c", "ada")
				b.say("c", "ada", 3)
				s := b.socket("ada")
				b.join(s, "c")
				missing, next := b.store("c", "ada", "missing"), b.store("c", "ada", "next")
				r, _ := b.hub.shard(chat.ConversationChannel("c")).rooms.get("c")
				if tt.logged {
					quiet := broker.NewMemory()
					_ = quiet.Announce(t.Context(), missing)
					_ = quiet.Announce(t.Context(), next)
					b.hub.history.broker = quiet
				}
				b.publish(chat.ConversationChannel("c"), next)
				if tt.late > 0 {
					time.Sleep(tt.late)
					b.publish(chat.ConversationChannel("c"), missing)
				}
				synctest.Wait()
				if waiting := len(taken(s)); tt.late == 0 && waiting != 0 {
					t.Errorf("%d frames before the gap is closed", waiting)
				} else if tt.late > 0 && waiting != 2 {
					t.Errorf("%d frames once the late one is here, want 2", waiting)
				}
				time.Sleep(gapWait)
				synctest.Wait()
				if tt.late == 0 {
					wantRevs(t, taken(s), 4, 5)
				}
				if n := b.gaps(tt.healed); n != 1 {
					t.Errorf("%v gaps were healed by %s, want 1", n, tt.healed)
				}
				r.mu.Lock()
				defer r.mu.Unlock()
				if r.mending || r.order.last != 5 {
					t.Errorf("the room stands at %d", r.order.last)
				}
			})
		})
	}
}

func TestASilentLossIsFoundByTheNextComparison(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.create("c", "ada", "bob")
		ada, bob := b.socket("ada"), b.socket("bob")
		b.join(ada, "c")
		b.join(bob, "c")
		b.store("c", "ada", "lost")
		b.member(chat.MemberRemoved, "c", "bob", 0) // lost
		time.Sleep(checkEvery + gapWait)
		synctest.Wait()
		frames := taken(ada)
		wantRevs(t, frames[len(frames)-1:], 1, 1)
		b.say("c", "ada", 1)
		synctest.Wait()
		wantRevs(t, taken(ada), 2, 2)
		for _, f := range taken(bob) {
			if f.kind != chat.MemberRemoved {
				t.Errorf("bob received %s", f.data)
			}
		}
	})
}

func TestWhileSubscriptionsFailPositionsAreComparedMoreOften(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.create("c", "ada")
		ada := b.socket("ada")
		b.join(ada, "c")
		b.store("c", "ada", "lost")
		time.Sleep(checkTrouble + gapWait)
		synctest.Wait()
		if frames := taken(ada); len(frames) != 0 {
			t.Errorf("without trouble it received %s", frames[0].data)
		}
		b.broker.fails.Store(true)
		time.Sleep(checkTrouble)
		synctest.Wait()
		wantRevs(t, taken(ada), 1, 1)
	})
}

func TestAnInterruptionOfTheBrokerIsFollowedByAComparison(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.create("c", "ada")
		ada := b.socket("ada")
		b.join(ada, "c")
		b.store("c", "ada", "lost")
		b.hub.checkSoon()
		time.Sleep(gapWait)
		synctest.Wait()
		wantRevs(t, taken(ada), 1, 1)
	})
}

func TestAGapIsTriedUntilMessageServiceIsBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.create("c", "ada")
		ada := b.socket("ada")
		b.join(ada, "c")
		b.store("c", "ada", "lost")
		b.set(func(w *world) { w.down = true })
		b.publish(chat.ConversationChannel("c"), b.store("c", "ada", "next"))
		time.Sleep(time.Minute)
		if frames := taken(ada); len(frames) != 0 {
			t.Errorf("%d frames while message-svc is down", len(frames))
		}
		b.set(func(w *world) {
			if w.feeds > 20 {
				t.Errorf("message-svc was asked %d times in a minute", w.feeds)
			}
			w.down = false
		})
		time.Sleep(retryMax)
		synctest.Wait()
		wantRevs(t, taken(ada), 1, 2)
	})
}

// Events are lost, doubled, and overtake each other; changes are among them.
func TestWhateverTheBrokerDoesEachEventComesOnceInOrder(t *testing.T) {
	for seed := range uint64(40) {
		inBubble(t, func(t *testing.T, b *bubble) {
			random := rand.New(rand.NewPCG(seed, 2))
			b.create("c", "ada")
			ada := b.socket("ada")
			b.join(ada, "c")
			const n = 120
			var passing []chat.Event
			first := b.store("c", "ada", "first")
			for rev := int64(1); rev <= n; rev++ {
				e := first
				switch {
				case rev > 1 && random.IntN(4) == 0:
					e = b.edit(first, "edited")
				case rev > 1:
					e = b.store("c", "ada", "hi")
				}
				for range random.IntN(3) { // lost, once, or twice
					passing = append(passing, e)
				}
				if len(passing) > random.IntN(12) || rev == n {
					random.Shuffle(len(passing), func(i, j int) { passing[i], passing[j] = passing[j], passing[i] })
					for _, e := range passing {
						b.publish(chat.ConversationChannel("c"), e)
					}
					passing = nil
					time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
				}
			}
			time.Sleep(checkEvery + time.Second)
			synctest.Wait()
			wantRevs(t, taken(ada), 1, n)
		})
	}
}

func TestASocketThatCannotKeepUpMustResync(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.create("c", "ada")
		b.create("d", "ada")
		ada := b.socket("ada")
		b.join(ada, "c")
		b.join(ada, "d")
		body := strings.Repeat("x", chat.MaxBody)
		for range 40 { // more than the queue holds
			b.announce(b.store("c", "ada", body))
		}
		synctest.Wait()
		b.announce(b.store("d", "ada", "small"))
		synctest.Wait()
		frames := taken(ada)
		in := len(frames) - 2 // the resync, and the small one
		wantRevs(t, frames[:in], 1, int64(in))
		var resync resyncEvent
		if err := json.Unmarshal(frames[in].data, &resync); err != nil || resync.Type != chat.Resync || resync.ConversationID != "c" || resync.Live {
			t.Errorf("received %s, want a resync", frames[in].data)
		}
		if in < 10 || in > maxQueueBytes/chat.MaxBody {
			t.Errorf("%d events came before the resync", in)
		}
		b.say("c", "ada", 1)
		b.say("d", "ada", 1)
		synctest.Wait()
		wantRevs(t, taken(ada), 2, 2) // of d alone
		if ada.out.ending() != nil || ada.subscribed("c") != nil {
			t.Error("the socket ended, or is still in the conversation")
		}
	})
}

func TestASocketThatMissesTooMuchWhileItIsReplayedToMustResync(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.create("c", "ada")
		ada := b.socket("ada")
		body := strings.Repeat("x", chat.MaxBody)
		const past, meanwhile = 40, 20 // both are more than the queue holds
		for range past {
			b.store("c", "ada", body)
		}
		joined, from := make(chan error), int64(0)
		go func() { joined <- ada.join(ada.ctx, command{name: cmdJoin, id: 1, conversation: "c", rev: &from}) }()
		synctest.Wait()
		for range meanwhile {
			b.announce(b.store("c", "ada", body))
		}
		synctest.Wait()
		var frames []frame
		for range past {
			frames = append(frames, taken(ada)...)
			synctest.Wait()
		}
		if err := <-joined; err != nil {
			t.Error(err)
		}
		wantRevs(t, frames[:past], 1, past)
		if len(frames) != past+2 || frames[past].kind != "reply" || frames[past+1].kind != chat.Resync || ada.subscribed("c") != nil {
			t.Errorf("%d frames, the last is %s", len(frames), frames[len(frames)-1].data)
		}
	})
}
