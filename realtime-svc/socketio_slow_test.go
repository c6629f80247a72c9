package realtime

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestASocketIOClientThatDoesNotReadIsToldToResyncAndDelaysNobody(t *testing.T) {
	const events, body = 800, 2 << 10 // 1.6 MB
	overSocketIO(t, Config{}, func(t *testing.T, s *scene, w way) {
		stuck := s.ring(t, w, s.issuer.Token(t, "ada", time.Hour))
		defer func() { go readAll(stuck) }() // a goodbye that nobody reads would stop the bubble's clock
		until(t, stuck, "40")
		join(t, stuck, "0", 0)
		fast := s.enter(t, w, "bob")
		fast.ask(`["join",{"conversation":"c"}]`, `[{"joined":`)
		for rev := range events {
			s.announce(s.store("c", "ada", strings.Repeat("x", body)))
			fast.want(created(rev + 1))
		}
		had := until(t, stuck, `42["resync",`)
		last := len(had) - 1
		if had[last] != fmt.Sprintf(`42["resync",{"type":"resync","conversation_id":"c","rev":%d,"live":false}]`, last+1) || last > events/2 {
			t.Fatalf("behind %d events it hears %q", last, had[last])
		}
		wantCreated(t, had[:last], 1)
		missed := join(t, stuck, fmt.Sprint(last), events)
		wantCreated(t, missed[:len(missed)-1], last+1)
		if len(missed)-1 != events-last {
			t.Errorf("it hears %d events more, want %d", len(missed)-1, events-last)
		}
	})
}

// join joins, and returns what comes up to the answer.
func join(t *testing.T, l line, after string, rev int) []string {
	t.Helper()
	if err := l.say(`421["join",{"conversation":"c","rev":` + after + `}]`); err != nil {
		t.Fatal(err)
	}
	return until(t, l, fmt.Sprintf(`431[{"joined":{"conversation_id":"c","rev":%d}}]`, rev))
}

func created(rev int) string {
	return fmt.Sprintf(`42["message.created",{"type":"message.created","conversation_id":"c","rev":%d,`, rev)
}

func wantCreated(t *testing.T, heard []string, rev int) {
	t.Helper()
	for i, packet := range heard {
		if !strings.HasPrefix(packet, created(rev+i)) {
			t.Fatalf("heard %.80q, want the event with rev %d", packet, rev+i)
		}
	}
}
