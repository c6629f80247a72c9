package socketiotest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestSessionThatBrokeTheRulesIsUnknownAtOnce(t *testing.T) {
	for path, body := range map[string]string{"/engine.io/?EIO=4": "abc", "/engine.io/?EIO=3": "abc"} {
		inBubble(t, func(_ *testing.T, e *endpoint) {
			session := e.poll(path)
			e.want(e.post(session, body), http.StatusBadRequest, "")
			e.want(e.get(session), http.StatusBadRequest, "")
		})
	}
}

func TestSessionThatFellSilentIsUnknown(t *testing.T) {
	inBubble(t, func(_ *testing.T, e *endpoint) {
		session := e.poll("/engine.io/?EIO=4")
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		e.want(e.get(session), http.StatusBadRequest, "")
	})
}
