package client_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

func requireRevs(t *testing.T, r *running, want []int64) {
	t.Helper()
	synctest.Wait()
	if got := r.got(); !slices.Equal(got, want) {
		t.Fatalf("handed over %v, want %v", got, want)
	}
}

func TestSocketGoesOnFromTheLastEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		r.Join("c1", 3)
		first, _ := s.accept()
		if token := first.enter().Token; token != "token-1" {
			t.Fatalf("entered with %q", token)
		}
		if cmd := first.joins(5, 4, 5); *cmd.Rev != 3 {
			t.Fatalf("joined from %d, want 3", *cmd.Rev)
		}
		first.events("c1", 6, 8) // 7 is of a message that she may not see
		requireRevs(t, r, []int64{4, 5, 6, 8})
		_ = first.ws.Close()

		second, _ := s.accept()
		second.enter()
		if cmd := second.joins(10, 9, 10); *cmd.Rev != 8 {
			t.Fatalf("joined again from %d, want 8", *cmd.Rev)
		}
		second.events("c1", 11)
		requireRevs(t, r, []int64{4, 5, 6, 8, 9, 10, 11})
		if got := r.Stats(); got != (client.Stats{Reconnects: 1}) {
			t.Fatalf("counted %+v", got)
		}
	})
}

func TestSocketJoinsFromNowWithoutThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		first, _ := s.accept()
		first.enter()
		r.Join("c1", client.FromNow)
		cmd := first.want("join")
		if cmd.Rev != nil {
			t.Fatalf("joined from %d, want no rev", *cmd.Rev)
		}
		_ = first.ws.Close() // before the answer: nothing was promised yet

		second, _ := s.accept()
		second.enter()
		if cmd := second.joins(7); cmd.Rev != nil {
			t.Fatalf("joined again from %d, want no rev", *cmd.Rev)
		}
		synctest.Wait()
		_ = second.ws.Close()

		third, _ := s.accept()
		third.enter()
		if cmd := third.joins(8, 8); *cmd.Rev != 7 {
			t.Fatalf("joined from %d, want the rev of the first answer", *cmd.Rev)
		}
		requireRevs(t, r, []int64{8})
	})
}

func TestEventsThatComeAgainAreDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(2, 1, 2)
		ws.events("c1", 2, 3, 1, 3, 4)
		requireRevs(t, r, revs(1, 4))
		if got := r.Stats(); got.Duplicates != 3 || got.OutOfOrder != 0 {
			t.Fatalf("counted %+v", got)
		}
	})
}

func TestJoinsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		code  string
		after int
		again bool
	}{
		"for good":                   {"conversation_not_found", 0, false},
		"because of the rev":         {"rev_not_reached", 0, false},
		"because of too many":        {"too_many_joined", 0, false},
		"for a while":                {"members_changing", 1000, true},
		"for their rate":             {"rate_limited", 240, true},
		"without a time to come":     {"busy", 0, true},
		"by a fault of the server's": {"internal", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				r := run(t, s.newClient(), nil)
				r.Join("c1", 0)
				ws, _ := s.accept()
				ws.enter()
				start := time.Now()
				ws.fail(ws.want("join"), test.code, test.after)
				if test.again {
					ws.joins(1, 1)
					if waited := time.Since(start); waited < time.Duration(test.after)*time.Millisecond {
						t.Fatalf("joined again after %v", waited)
					}
					requireRevs(t, r, []int64{1})
				}
				synctest.Wait()
				refused := all[client.Refused](r)
				if test.again != (len(refused) == 0) || !test.again && code(refused[0].Err) != test.code {
					t.Fatalf("refused %v", refused)
				}
				if changes := all[client.Connection](r); changes[len(changes)-1].State != client.Rejoined {
					t.Fatalf("the connection went through %v", changes)
				}
			})
		})
	}
}

func TestMembersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(1, 1)
		member := func(kind, conversation, user string) {
			ws.say(`{"type":%q,"conversation_id":%q,"user_id":%q,"members_version":4,"from_seq":2}`, kind, conversation, user)
		}
		member("member.removed", "c1", "you")
		ws.events("c1", 2)
		member("member.added", "c2", "me")
		member("member.added", "c3", "you") // of a conversation that was left meanwhile
		member("member.removed", "c1", "me")
		ws.events("c1", 3)
		requireRevs(t, r, []int64{1, 2})
		want := []chat.MemberEvent{
			{Type: "member.removed", ConversationID: "c1", UserID: "you", Version: 4, FromSeq: 2},
			{Type: "member.added", ConversationID: "c2", UserID: "me", Version: 4, FromSeq: 2},
			{Type: "member.removed", ConversationID: "c1", UserID: "me", Version: 4, FromSeq: 2},
		}
		if got := all[chat.MemberEvent](r); !reflect.DeepEqual(got, want) {
			t.Fatalf("heard %+v", got)
		}
		ws.quiet(time.Second) // she must not leave it
		_ = ws.ws.Close()
		again, _ := s.accept()
		again.enter()
		again.quiet(time.Second) // nor join it again
	})
}

func TestALeaveCutsOffWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		var r *running
		r = run(t, s.newClient(), func(v any) {
			if e, ok := v.(chat.Event); ok && e.Rev == 2 {
				time.Sleep(time.Second) // all have come, and wait
				r.Leave("c1")
			}
		})
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(4, revs(1, 4)...)
		time.Sleep(2 * time.Second)
		requireRevs(t, r, []int64{1, 2})
	})
}

func TestAJoinOfWhatIsJoinedDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(2, 1, 2)
		r.Join("c1", 0)
		ws.quiet(time.Second)
		requireRevs(t, r, []int64{1, 2})
	})
}

func TestEventsOfBeforeALeaveAreNoneOfTheNextJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(1, 1)
		synctest.Wait()
		r.Leave("c1")
		r.Join("c1", 1)
		leave := ws.want("leave")
		ws.events("c1", 9) // came before the server read the leave: taken for one of the new join, it would hide 2 to 8
		ws.say(`{"type":"reply","id":%d}`, leave.ID)
		ws.joins(9, revs(2, 9)...)
		requireRevs(t, r, revs(1, 9))
		r.Leave("c1")
		r.Join("c1", client.FromNow)
		leave = ws.want("leave")
		ws.events("c1", 10)
		ws.say(`{"type":"reply","id":%d}`, leave.ID)
		ws.events("c1", 11) // no server says this before it answers the join
		ws.joins(12)
		ws.events("c1", 13)
		requireRevs(t, r, append(revs(1, 9), 13))
	})
}

func TestWhatMayBeLostIsHandedOverTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(0)
		ws.say(`{"type":"typing","conversation_id":"c1","user_id":"you"}`)
		ws.say(`{"type":"read","conversation_id":"c1","user_id":"you","seq":4}`)
		ws.say(`{"type":"inbox","conversation_id":"c9","seq":4,"rev":5}`)
		ws.say(`{"type":"typing","conversation_id":"c9","user_id":"you"}`)
		ws.say(`{"type":"something.new","conversation_id":"c1"}`)
		synctest.Wait()
		if got := all[chat.TypingEvent](r); len(got) != 1 || got[0].UserID != "you" {
			t.Errorf("typing: %+v", got)
		}
		if got := all[chat.ReadEvent](r); len(got) != 1 || got[0].Seq != 4 {
			t.Errorf("read: %+v", got)
		}
		time.Sleep(61 * time.Second) // silence is a lost connection; the next one asks to read the inbox, as does each minute
		synctest.Wait()
		hints := all[chat.InboxEvent](r)
		want := []chat.InboxEvent{{Type: "inbox"}, {Type: "inbox", ConversationID: "c9", Seq: 4, Rev: 5}, {Type: "inbox"}}
		if !reflect.DeepEqual(hints, want) {
			t.Errorf("hints: %+v", hints)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.raw) != 7 || !strings.HasPrefix(r.raw[2], `1 {"type":"typing"`) {
			t.Errorf("tapped %q", r.raw)
		}
	})
}

func TestConnectionChangesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.refuseNext(answer(503, `{"code":"stopping"}`))
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		r.Join("c2", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(0)
		synctest.Wait()
		before := len(all[client.Connection](r))
		time.Sleep(time.Second)
		ws.joins(0)
		synctest.Wait()
		ws.close(1012, "restart")
		synctest.Wait()
		var got []string
		for _, c := range all[client.Connection](r) {
			got = append(got, fmt.Sprint(c.Number, " ", c.State, " ", c.Err))
		}
		want := []string{"1 closed 503 stopping", "2 connected <nil>", "2 rejoined <nil>", "2 closed 1012 restart: The server closed the socket."}
		if !slices.Equal(got, want) || before != 2 {
			t.Fatalf("heard %q, %d before the last join", got, before)
		}
		if changes := all[client.Connection](r); changes[2].At.Sub(changes[1].At) != time.Second {
			t.Fatalf("rejoined at %v, connected at %v", changes[2].At, changes[1].At)
		}
		if !errors.Is(all[client.Connection](r)[3].Err, &client.Error{Code: "restart"}) {
			t.Fatal("the reason is no Error")
		}
	})
}
