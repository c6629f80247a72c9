package client_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

func TestAnEventBehindALaterOneHasTheFeedRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.on("GET /v1/messages", feed("c1", func() int64 { return 6 }, 200))
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(1, 1)
		ws.events("c1", 5, 3, 6) // 2 and 4 never come
		synctest.Wait()
		got := r.got()
		slices.Sort(got)
		if !slices.Equal(got, revs(1, 6)) {
			t.Fatalf("handed over %v, want each of 1 to 6 once", r.got())
		}
		if got := r.Stats(); got.OutOfOrder != 1 || got.Duplicates != 0 {
			t.Fatalf("counted %+v", got)
		}
	})
}

func TestResyncReadsTheFeedBeforeLiveEventsPass(t *testing.T) {
	for name, test := range map[string]struct {
		live  bool
		limit int64
	}{
		"the socket stays in":                {true, 200},
		"the socket stays in, in many pages": {true, 3},
		"the socket is put out":              {false, 200},
		"the socket is put out, many pages":  {false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				s.on("GET /v1/messages", feed("c1", func() int64 { return 20 }, test.limit, 5, 13, 20))
				r := run(t, s.newClient(), nil)
				r.Join("c1", 0)
				ws, _ := s.accept()
				ws.enter()
				ws.joins(2, 1, 2)
				ws.say(`{"type":"resync","conversation_id":"c1","rev":18,"live":%t}`, test.live)
				visible := slices.DeleteFunc(revs(1, 20), func(rev int64) bool { return rev == 5 || rev == 13 || rev == 20 })
				if test.live {
					ws.events("c1", 19, 21)
				} else if cmd := ws.joins(21, 21); *cmd.Rev != 20 {
					t.Fatalf("joined from %d, want the end of the feed", *cmd.Rev)
				}
				synctest.Wait()
				ws.events("c1", 18, 21) // which she has by now: from the feed, and live
				ws.events("c1", 22)
				requireRevs(t, r, append(visible, 21, 22))
				if got := r.Stats(); got.Resyncs != 1 || got.Duplicates != 1 {
					t.Fatalf("counted %+v", got)
				}
				if hints := all[chat.InboxEvent](r); len(hints) != 2 {
					t.Fatalf("asked %d times to read the inbox, want after the connect and after the resync", len(hints))
				}
				ws.quiet(time.Second)
			})
		})
	}
}

func TestFeedIsReadAgainWhereItFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.on("GET /v1/messages", inTurn(answer(500, "oops"), answer(503, `{"code":"busy"}`), hangUp,
			feed("c1", func() int64 { return 3 }, 200), feed("c1", func() int64 { return 9 }, 200))) // the last but one lags
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.say(`{"type":"resync","conversation_id":"c1","rev":9,"live":true}`)
		ws.joins(9)
		time.Sleep(time.Minute)
		requireRevs(t, r, revs(1, 9))
	})
}

func TestFeedOfAConversationThatIsGoneEndsTheJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.on("GET /v1/messages", answer(404, `{"code":"conversation_not_found"}`))
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(0)
		ws.say(`{"type":"resync","conversation_id":"c1","rev":9,"live":true}`)
		synctest.Wait()
		refused := all[client.Refused](r)
		if len(refused) != 1 || code(refused[0].Err) != "conversation_not_found" {
			t.Fatalf("refused %v", refused)
		}
	})
}

func TestResyncsWhileTheFeedIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		newest, released := int64(5), make(chan struct{})
		var asked []string
		s.on("GET /v1/messages", func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Query().Get("after_rev"))
			end := newest // the answer is of before what follows
			<-released
			feed("c1", func() int64 { return end }, 2000)(w, r)
		})
		r := run(t, s.newClient(), nil, 16)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.say(`{"type":"resync","conversation_id":"c1","rev":5,"live":true}`)
		ws.joins(5)
		ws.events("c1", revs(6, 1000)...)
		ws.say(`{"type":"resync","conversation_id":"c1","rev":1003,"live":true}`)
		ws.events("c1", 1004)
		synctest.Wait()
		newest = 1003
		close(released)
		requireRevs(t, r, revs(1, 1004))
		if want := []string{"0", "5"}; !slices.Equal(asked, want) {
			t.Fatalf("read the feed after %v, want %v", asked, want)
		}
	})
}

func TestWhatIsHeldIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		newest, asked := int64(0), 0
		var released chan struct{}
		s.on("GET /v1/messages", func(w http.ResponseWriter, r *http.Request) {
			asked++
			<-released
			feed("c1", func() int64 { return newest }, 200)(w, r)
		})
		r := run(t, s.newClient(), nil, 16)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(0)
		const times = 10
		for range times {
			newest, released = newest+1, make(chan struct{})
			ws.say(`{"type":"resync","conversation_id":"c1","rev":%d,"live":true}`, newest)
			ws.events("c1", revs(newest+1, newest+10)...) // fewer than may be held
			synctest.Wait()
			close(released)
			synctest.Wait()
			newest += 10
		}
		requireRevs(t, r, revs(1, newest))
		if asked != times {
			t.Fatalf("read the feed %d times for %d resyncs", asked, times)
		}
	})
}

func TestAnotherRunReadsTheFeedThatTheLastOneOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.on("GET /v1/messages", answer(500, "oops"))
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.say(`{"type":"resync","conversation_id":"c1","rev":9,"live":false}`)
		ws.joins(9)
		ws.close(4501, "session_ended")
		if err := r.end(); code(err) != "session_ended" {
			t.Fatalf("Run returned %v", err)
		}
		r.start()
		ws, _ = s.accept()
		ws.enter()
		if cmd := ws.joins(9, revs(1, 9)...); *cmd.Rev != 0 {
			t.Fatalf("joined from %d", *cmd.Rev)
		}
		requireRevs(t, r, revs(1, 9))
	})
}

func TestAJoinThatIsOwedAtAReconnectIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		released := make(chan struct{})
		s.on("GET /v1/messages", func(w http.ResponseWriter, r *http.Request) {
			<-released
			feed("c1", func() int64 { return 9 }, 200)(w, r)
		})
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(0)
		ws.say(`{"type":"resync","conversation_id":"c1","rev":9,"live":false}`)
		synctest.Wait()
		_ = ws.ws.Close()
		ws, _ = s.accept()
		ws.enter()
		ws.joins(10, revs(1, 10)...)
		synctest.Wait()
		close(released)
		ws.quiet(time.Second)
		requireRevs(t, r, revs(1, 10))
		if joined := len(all[client.Joined](r)); joined != 2 {
			t.Fatalf("told of %d joins, want one on each connection", joined)
		}
	})
}
