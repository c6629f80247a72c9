package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// stored answers a send.
func (s *socket) stored(cmd said) {
	s.say(`{"type":"reply","id":%d,"message":{"id":"m","conversation_id":%q,"body":%q,"client_msg_id":%q,"created_at":"2026-05-06T07:08:09.123Z"}}`,
		cmd.ID, cmd.Conversation, cmd.Body, cmd.ClientMsgID)
}

type sent struct {
	message chat.Message
	err     error
}

// send sends in a goroutine, and returns once the call waits.
func (r *running) send(ctx context.Context, conversation, body string) <-chan sent {
	done := make(chan sent, 1)
	go func() {
		m, err := r.Send(ctx, client.Draft{ConversationID: conversation, Body: body})
		done <- sent{m, err}
	}()
	synctest.Wait()
	return done
}

func TestSendsToOneConversationGoOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		first := r.send(t.Context(), "c1", "one") // before there is a connection
		second := r.send(t.Context(), "c1", "two")
		third := r.send(t.Context(), "c1", "three")
		other := r.send(t.Context(), "c2", "another")
		ws, _ := s.accept()
		ws.enter()
		waiting := []said{ws.want("send"), ws.want("send")}
		slices.SortFunc(waiting, func(a, b said) int { return len(a.Body) - len(b.Body) })
		if waiting[0].Body != "one" || waiting[1].Body != "another" {
			t.Fatalf("written: %+v", waiting)
		}
		ws.stored(waiting[1])
		if got := <-other; got.err != nil || got.message.Body != "another" {
			t.Fatalf("got %+v", got)
		}
		ws.stored(waiting[0])
		for i, done := range []<-chan sent{second, third} {
			cmd := ws.want("send")
			if want := []string{"two", "three"}[i]; cmd.Body != want {
				t.Fatalf("%q was written, want %q", cmd.Body, want)
			}
			ws.stored(cmd)
			if got := <-done; got.err != nil || got.message.ClientMsgID != cmd.ClientMsgID {
				t.Fatalf("got %+v", got)
			}
		}
		if got := <-first; got.err != nil {
			t.Fatal(got.err)
		}
	})
}

func TestASendWithoutAnswerIsWrittenAgainWithItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		first, second := r.send(t.Context(), "c1", "one"), r.send(t.Context(), "c1", "two")
		key := ""
		for i := range 3 {
			ws, _ := s.accept()
			ws.enter()
			cmd := ws.want("send")
			if cmd.Body != "one" || cmd.ClientMsgID == "" || key != "" && cmd.ClientMsgID != key {
				t.Fatalf("%+v was written, want key %q", cmd, key)
			}
			if key = cmd.ClientMsgID; i < 2 {
				_ = ws.ws.Close()
				continue
			}
			ws.stored(cmd)
			ws.stored(ws.want("send"))
		}
		for _, done := range []<-chan sent{first, second} {
			if got := <-done; got.err != nil {
				t.Fatal(got.err)
			}
		}
		if got := r.Stats().Resent; got != 2 {
			t.Fatalf("counted %d, want 2", got)
		}
	})
}

func TestSendsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		code  string
		after time.Duration
		again bool
	}{
		"for good":                       {"conversation_not_found", 0, false},
		"for a field":                    {"invalid_field", 0, false},
		"by a fault of the server's":     {"internal", 0, false},
		"for their rate":                 {"rate_limited", 240 * time.Millisecond, true},
		"for their rate, for long":       {"too_many_pending", time.Second, true},
		"where nobody knows":             {"not_stored", 0, true},
		"while a part is out of reach":   {"service_unavailable", time.Second, true},
		"for something new that passes":  {"something_new", time.Second, true},
		"for something new that doesn't": {"something_new", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				r := run(t, s.newClient(), nil)
				done := r.send(t.Context(), "c1", "one")
				next := r.send(t.Context(), "c1", "two")
				ws, _ := s.accept()
				ws.enter()
				first := ws.want("send")
				start := time.Now()
				ws.fail(first, test.code, int(test.after.Milliseconds()))
				if test.again {
					again := ws.want("send")
					if waited := time.Since(start); waited < test.after || waited > test.after+100*time.Millisecond {
						t.Errorf("written again after %v", waited)
					}
					if again.Body != "one" || again.ClientMsgID != first.ClientMsgID {
						t.Errorf("%+v was written again", again)
					}
					ws.stored(again)
				}
				if got := <-done; test.again != (got.err == nil) || !test.again && code(got.err) != test.code {
					t.Errorf("got %+v", got)
				}
				ws.stored(ws.want("send")) // whatever became of it, the next one has its turn
				if got := <-next; got.err != nil || got.message.Body != "two" {
					t.Errorf("got %+v", got)
				}
			})
		})
	}
}

func TestASendWhoseContextEndsGivesItsTurnAway(t *testing.T) {
	for name, test := range map[string]struct{ connected, answered bool }{
		"without a connection": {false, false},
		"without an answer":    {true, false},
		"while it pauses":      {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				if !test.connected {
					s.breakDials(errors.New("no route to host"))
				}
				r := run(t, s.newClient(), nil)
				short, cancel := context.WithCancel(t.Context())
				time.AfterFunc(20*time.Second, cancel) // before the silence after which a server is left
				first := r.send(short, "c1", "one")
				second := r.send(short, "c1", "two") // it never has its turn
				third := r.send(t.Context(), "c1", "three")
				var ws *socket
				if test.connected {
					ws, _ = s.accept()
					ws.enter()
					if cmd := ws.want("send"); test.answered {
						ws.fail(cmd, "busy", 3600_000)
					}
				}
				for _, done := range []<-chan sent{first, second} {
					if got := <-done; !errors.Is(got.err, context.Canceled) {
						t.Fatalf("got %+v", got)
					}
				}
				if !test.connected {
					s.breakDials(nil)
					ws, _ = s.accept()
					ws.enter()
				}
				cmd := ws.want("send")
				if cmd.Body != "three" {
					t.Fatalf("%q was written", cmd.Body)
				}
				ws.stored(cmd)
				if got := <-third; got.err != nil {
					t.Fatal(got.err)
				}
			})
		})
	}
}

func TestTypingIsSaidWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		r.Typing("c1") // nobody would hear
		ws, _ := s.accept()
		ws.enter()
		synctest.Wait()
		r.Typing("c1")
		synctest.Wait() // it is being written
		for range 100 {
			r.Typing("c1") // while the first is on its way nothing piles up
		}
		typing := ws.want("typing")
		if typing.Conversation != "c1" || typing.ID != 0 {
			t.Fatalf("%+v was written", typing)
		}
		ws.want("typing")
		ws.quiet(time.Second)
	})
}

func TestASlowHandlerCostsADetour(t *testing.T) {
	for name, send := range map[string]bool{"that waits": false, "that sends": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const last = 5000
				s := serve(t)
				var newest int64
				s.on("GET /v1/messages", feed("c1", func() int64 { return newest }, 200))
				released := make(chan struct{})
				var r *running
				r = run(t, s.newClient(), func(v any) {
					e, ok := v.(chat.Event)
					switch {
					case !ok:
					case e.Rev == 10 && send:
						if _, err := r.Send(t.Context(), client.Draft{ConversationID: "c1", Body: "hey"}); err != nil {
							t.Error(err)
						}
					case e.Rev == 10:
						<-released
					}
				}, 64)
				r.Join("c1", 0)
				ws, _ := s.accept()
				ws.enter()
				ws.joins(0)
				for newest < last {
					newest++
					ws.events("c1", newest)
					if newest%50 == 0 {
						ws.say(`{"type":"typing","conversation_id":"c1","user_id":"you"}`)
					}
				}
				synctest.Wait()
				if got := r.got(); len(got) > 10 {
					t.Fatalf("%d events were handed over meanwhile", len(got))
				}
				if send {
					ws.stored(ws.want("send"))
				}
				close(released)
				requireRevs(t, r, revs(1, last))
				newest++
				ws.events("c1", newest)
				requireRevs(t, r, revs(1, last+1))
				if got := r.Stats(); got.Duplicates != 0 || got.OutOfOrder != 0 || got.Resyncs != 1 || got.Reconnects != 0 {
					t.Fatalf("counted %+v", got)
				}
				if typed := len(all[chat.TypingEvent](r)); typed > 2 {
					t.Fatalf("%d typing events waited", typed)
				}
			})
		})
	}
}

func TestAHandlerThatNeverReturnsMakesTheReaderWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		released := make(chan struct{})
		r := run(t, s.newClient(), func(v any) {
			if _, ok := v.(chat.MemberEvent); ok {
				<-released
			}
		}, 16)
		ws, _ := s.accept()
		ws.enter()
		synctest.Wait()
		written := 0
		for written < 10000 {
			_ = ws.ws.SetWriteDeadline(time.Now().Add(time.Second))
			err := ws.ws.WriteMessage(1, fmt.Appendf(nil, `{"type":"member.added","conversation_id":"c%d","user_id":"me","members_version":1}`, written))
			if err != nil {
				break
			}
			written++
		}
		if written < 4100 || written > 4120 {
			t.Fatalf("%d events were taken, want the queue, its headroom and little more", written)
		}
		close(released)
		synctest.Wait()
		if got := len(all[chat.MemberEvent](r)); got != written {
			t.Fatalf("%d of %d events were handed over", got, written)
		}
	})
}
