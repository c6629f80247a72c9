package client_test

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLeavesThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		code  string
		after int // ms
		again bool
	}{
		"for their rate":                 {"rate_limited", 240, true},
		"behind too many others":         {"too_many_pending", 0, true},
		"by a fault of the server's":     {"internal", 0, true},
		"for something new that passes":  {"something_new", 1000, true},
		"for something new that doesn't": {"something_new", 0, false},
		"where she was out already":      {"not_joined", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				r := run(t, s.newClient(), nil)
				r.Join("c1", 0)
				ws, _ := s.accept()
				ws.enter()
				ws.joins(1, 1)
				synctest.Wait()
				r.Leave("c1")
				start := time.Now()
				ws.fail(ws.want("leave"), test.code, test.after)
				if test.again {
					again := ws.want("leave")
					if waited, least := time.Since(start), time.Duration(test.after)*time.Millisecond; waited < least || waited > least+100*time.Millisecond {
						t.Errorf("left again after %v", waited)
					}
					ws.say(`{"type":"reply","id":%d}`, again.ID)
				}
				ws.quiet(time.Minute)
			})
		})
	}
}

func TestAJoinWaitsForTheLeaveBeforeIt(t *testing.T) {
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
		r.Leave("c1") // it is said already
		r.Join("c1", 1)
		leave := ws.want("leave")
		ws.events("c1", 3)
		ws.fail(leave, "rate_limited", 100)
		ws.events("c1", 4) // she is in still: taken for one of the new join, it would come before 2
		leave = ws.want("leave")
		ws.events("c1", 5)
		ws.say(`{"type":"reply","id":%d}`, leave.ID)
		if cmd := ws.joins(5, revs(2, 5)...); *cmd.Rev != 1 {
			t.Fatalf("joined from %d", *cmd.Rev)
		}
		requireRevs(t, r, revs(1, 5))
		if got := r.Stats(); got.OutOfOrder != 0 || got.Duplicates != 0 {
			t.Fatalf("counted %+v", got)
		}
		ws.quiet(time.Second)
	})
}

func TestALeaveThatIsOwedEndsWithItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		r := run(t, s.newClient(), nil)
		r.Join("c1", 0)
		ws, _ := s.accept()
		ws.enter()
		ws.joins(1, 1)
		synctest.Wait()
		r.Leave("c1")
		ws.fail(ws.want("leave"), "rate_limited", 5000)
		r.Join("c1", 1)
		_ = ws.ws.Close()
		ws, _ = s.accept()
		ws.enter()
		ws.joins(2, 2)
		ws.quiet(10 * time.Second)
		requireRevs(t, r, revs(1, 2))
	})
}
