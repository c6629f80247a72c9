package engineio_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/realtime-svc/engineio"
)

func TestPolledMessagesComeBack(t *testing.T) {
	inBubble(t, engineio.Config{}, func(_ *testing.T, e *endpoint) {
		four, three := e.poll("4"), e.poll("3")
		for _, test := range []struct{ session, body, answer string }{
			{four, "4hello", "4hello"},
			{four, "4", "4"},
			{four, "4ä€𝄞\x1e4two\x1ebAQIDBA==", "4ä€𝄞\x1e4two\x1ebAQIDBA=="},
			{three, "6:4hello", "6:4hello"},
			{three, "1:410:b4AQIDBA==", "1:410:b4AQIDBA=="},
			{three, "5:4ä€𝄞", "5:4ä€𝄞"},           // 2.x: 𝄞 is two of JavaScript's characters
			{three, "6:4Ã¤â\u0082¬", "3:4ä€"},     // 1.x: the characters are the bytes
			{three, "2:4ÿ4:4Ã¤x", "2:4ÿ3:4äx"},    // no UTF-8, and so but once encoded
			{three, "1:21:21:2", "1:3"},           // a ping
			{three, "6:2probe1:4", "6:3probe1:4"}, // and one that is answered over polling all the same
			{three, "3:4ab10:b4/+8AAQI=", "3:4ab10:b4/+8AAQI="},
		} {
			e.want(http.StatusOK, "ok")(e.post(test.session, test.body))
			e.want(http.StatusOK, test.answer)(e.get(test.session))
		}
	})
}

func TestHeldPollIsAnsweredAtOnce(t *testing.T) {
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		session := e.poll("4")
		begin := time.Now()
		var group sync.WaitGroup
		group.Go(func() { e.want(http.StatusOK, "4x")(e.get(session)) })
		time.Sleep(time.Second)
		e.want(http.StatusOK, "ok")(e.post(session, "4x"))
		group.Wait()
		if took := time.Since(begin); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestPollIsHeldNoLongerThanItMay(t *testing.T) {
	inBubble(t, engineio.Config{PollHold: 10 * time.Second}, func(t *testing.T, e *endpoint) {
		session := e.poll("4")
		begin := time.Now()
		e.want(http.StatusOK, "6")(e.get(session))
		e.want(http.StatusOK, "6")(e.get(session))
		e.want(http.StatusOK, "2")(e.get(session))
		if took := time.Since(begin); took != 25*time.Second {
			t.Errorf("the ping came after %v", took)
		}
	})
}

func TestPollThatTheClientCancelsLosesNothing(t *testing.T) {
	inBubble(t, engineio.Config{}, func(t *testing.T, e *endpoint) {
		session := e.poll("4")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if status, _ := e.do(ctx, http.MethodGet, session, "", nil); status != 0 {
			t.Fatalf("got status %d", status)
		}
		synctest.Wait()
		e.want(http.StatusOK, "ok")(e.post(session, "4x"))
		e.want(http.StatusOK, "4x")(e.get(session))
	})
}

func TestWhatBreaksTheRulesOfPollingEndsTheSession(t *testing.T) {
	for name, test := range map[string]struct{ eio, body string }{
		"an unknown packet":                {"4", "abc"},
		"an empty packet":                  {"4", ""},
		"an empty packet among others":     {"4", "4x\x1e"},
		"a ping of the client":             {"4", "2"},
		"an open packet":                   {"4", "0{}"},
		"an upgrade":                       {"4", "5"},
		"no UTF-8":                         {"4", "4\xff"},
		"no base64":                        {"4", "b4!"},
		"a packet shorter than its length": {"3", "6:4x"},
		"a length that is none":            {"3", "a:4x"},
		"half a character":                 {"3", "2:4𝄞"},
		"no packet":                        {"3", ""},
		"a length that overflows":          {"3", "99999999999999999999:4"},
		"a pong of the client":             {"3", "1:3"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, engineio.Config{}, func(_ *testing.T, e *endpoint) {
				session := e.poll(test.eio)
				status, _ := e.post(session, test.body)
				e.want(http.StatusBadRequest, "")(status, "")
				e.wantClosed(engineio.ErrProtocol)
				status, _ = e.post(session, "4x")
				e.want(http.StatusBadRequest, "")(status, "")
			})
		})
	}
}

func TestTwoPollsAtOnceEndTheSession(t *testing.T) {
	inBubble(t, engineio.Config{}, func(_ *testing.T, e *endpoint) {
		session := e.poll("4")
		var group sync.WaitGroup
		group.Go(func() { e.want(http.StatusOK, "1")(e.get(session)) })
		synctest.Wait()
		e.want(http.StatusBadRequest, `{"code":3,"message":"Bad request"}`+"\n")(e.get(session))
		group.Wait()
		e.wantClosed(engineio.ErrProtocol)
		e.want(http.StatusBadRequest, `{"code":1,"message":"Session ID unknown"}`+"\n")(e.get(session))
	})
}

func TestClientThatClosesHasItsPollAnswered(t *testing.T) {
	for name, early := range map[string]bool{"a poll that is held": true, "a poll that comes a moment later": false} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, engineio.Config{}, func(_ *testing.T, e *endpoint) {
				session := e.poll("4")
				var group sync.WaitGroup
				poll := func() { e.want(http.StatusOK, "6")(e.get(session)) }
				if early {
					group.Go(poll)
					synctest.Wait()
				}
				e.want(http.StatusOK, "ok")(e.post(session, "1"))
				if !early {
					poll()
				}
				group.Wait()
				e.wantClosed(engineio.ErrClient)
				e.want(http.StatusBadRequest, `{"code":1,"message":"Session ID unknown"}`+"\n")(e.get(session))
			})
		})
	}
}

func TestBodyAboveTheBoundIsRefused(t *testing.T) {
	inBubble(t, engineio.Config{MaxPayload: 10}, func(_ *testing.T, e *endpoint) {
		session := e.poll("4")
		status, _ := e.post(session, "4"+strings.Repeat("x", 10))
		e.want(http.StatusRequestEntityTooLarge, "")(status, "")
		e.want(http.StatusOK, "ok")(e.post(session, "4"+strings.Repeat("x", 9)))
		e.want(http.StatusOK, "4xxxxxxxxx")(e.get(session))
	})
}

// Whoever pings and does not read would have us keep an answer for each.
func TestPingsThatNobodyReadsTheAnswersOfAreKeptOnce(t *testing.T) {
	inBubble(t, engineio.Config{}, func(_ *testing.T, e *endpoint) {
		session := e.poll("3")
		for range 3 {
			e.want(http.StatusOK, "ok")(e.post(session, strings.Repeat("1:2", 1000)+"6:2probe"))
		}
		e.want(http.StatusOK, "1:36:3probe")(e.get(session))
	})
}

func TestSenderWaitsForAClientThatDoesNotPoll(t *testing.T) {
	inBubble(t, engineio.Config{MaxBuffer: 100}, func(t *testing.T, e *endpoint) {
		session := e.poll("4")
		begin := time.Now()
		var group sync.WaitGroup
		group.Go(func() {
			for n := range 30 {
				if err := e.last.Send(engineio.Message{Data: fmt.Append(nil, "number ", 10+n)}); err != nil {
					t.Error(err)
				}
			}
			if time.Since(begin) != time.Second {
				t.Errorf("the sender was through after %v", time.Since(begin))
			}
		})
		synctest.Wait()
		var got int
		for range 3 {
			_, answer := e.get(session)
			if len(answer) > 130 {
				t.Errorf("%d bytes waited", len(answer))
			}
			got += strings.Count(answer, "number")
			time.Sleep(time.Second)
		}
		group.Wait()
		if got != 30 {
			t.Errorf("%d messages came", got)
		}
	})
}
