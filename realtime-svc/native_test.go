package realtime

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/ratelimit"
)

func TestABadFrameIsAnErrorAndTheSocketGoesOn(t *testing.T) {
	g := inMemory(t)
	g.create("c", "ada")
	c := g.as(t, "ada")
	tests := []struct {
		name, frame, code, field string
		id                       int64 // -1: the error has none
	}{
		{"nothing", ``, "invalid_json", "", -1},
		{"no JSON", `hello`, "invalid_json", "", -1},
		{"half an object", `{"id":1,"type":"ping"`, "invalid_json", "", -1},
		{"two objects", `{"id":1,"type":"ping"}{}`, "invalid_json", "", -1},
		{"an array", `[{"id":1,"type":"ping"}]`, "invalid_json", "", -1},
		{"a number", `1`, "invalid_json", "", -1},
		{"null", `null`, "invalid_json", "", -1},
		{"a field of another case", `{"id":1,"type":"ping","TYPE":"ping"}`, "unknown_field", "", 1},
		{"deeply nested", strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000), "invalid_json", "", -1},
		{"deeply nested in a field", `{"id":1,"type":"ping","x":` + strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000) + `}`, "unknown_field", "", 1},
		{"no type", `{"id":1}`, "unknown_type", "", 1},
		{"an unknown type", `{"id":1,"type":"watch"}`, "unknown_type", "", 1},
		{"a type of another case", `{"id":1,"type":"PING"}`, "unknown_type", "", 1},
		{"a type that is no string", `{"id":1,"type":7}`, "invalid_field", "type", 1},
		{"an id that is no integer", `{"id":"a","type":"ping"}`, "invalid_field", "id", -1},
		{"an id that is a fraction", `{"id":1.5,"type":"ping"}`, "invalid_field", "id", -1},
		{"a negative id", `{"id":-1,"type":"ping"}`, "invalid_field", "id", -1},
		{"an id above 2^53", `{"id":9007199254740992,"type":"ping"}`, "invalid_field", "id", -1},
		{"an unknown field", `{"id":1,"type":"ping","x":1}`, "unknown_field", "", 1},
		{"another command's field", `{"id":1,"type":"leave","conversation":"c","rev":1}`, "unknown_field", "", 1},
		{"a join without conversation", `{"id":1,"type":"join"}`, "invalid_field", "conversation", 1},
		{"an operator for a conversation", `{"id":1,"type":"join","conversation":{"$gt":""}}`, "invalid_field", "conversation", 1},
		{"a conversation that is no id", `{"id":1,"type":"join","conversation":"a b"}`, "invalid_field", "conversation", 1},
		{"a conversation that is a channel", `{"id":1,"type":"join","conversation":"c}"}`, "invalid_field", "conversation", 1},
		{"a long conversation", `{"id":1,"type":"join","conversation":"` + strings.Repeat("c", 65) + `"}`, "invalid_field", "conversation", 1},
		{"a conversation with NUL", `{"id":1,"type":"join","conversation":"c\u0000"}`, "invalid_field", "conversation", 1},
		{"a body that is no string", `{"id":1,"type":"send","conversation":"c","body":[]}`, "invalid_field", "body", 1},
		{"a negative seq", `{"id":1,"type":"read","conversation":"c","seq":-1}`, "invalid_field", "seq", 1},
		{"a token that is no string", `{"id":1,"type":"auth","token":1}`, "invalid_field", "token", 1},
		{"an empty token", `{"id":1,"type":"auth"}`, "token_refused", "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.t = t
			c.send(tt.frame)
			s := c.wantCode(tt.code)
			if s.Field != tt.field {
				t.Errorf("field %q, want %q", s.Field, tt.field)
			}
			if (tt.id < 0) != (s.ID == nil) || s.ID != nil && *s.ID != tt.id {
				t.Errorf("id %v, want %d", s.ID, tt.id)
			}
			c.wantNothing()
		})
	}
}

func TestAFrameThatCannotBeReadEndsTheSocket(t *testing.T) {
	g := inMemory(t)
	tests := []struct {
		name string
		kind int
		data string
		code int
	}{
		{"binary", websocket.BinaryMessage, `{"id":1,"type":"ping"}`, 1003},
		{"invalid UTF-8", websocket.TextMessage, "{\"id\":1,\"type\":\"ping\xff\"}", 1007},
		{"one byte too big", websocket.TextMessage, strings.Repeat(" ", maxFrame+1), 1009},
		{"far too big", websocket.TextMessage, strings.Repeat(" ", 7*maxFrame), 1009},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := g.as(t, "ada")
			if err := c.ws.WriteMessage(tt.kind, []byte(tt.data)); err != nil {
				t.Fatal(err)
			}
			c.wantClose(tt.code)
		})
	}
}

func TestCommandsAreLimitedInRate(t *testing.T) {
	g := inMemory(t)
	c := g.as(t, "ada")
	go func() {
		for range commandRule.Burst + 2*maxRefused {
			if c.ws.WriteMessage(websocket.TextMessage, []byte(`{"id":1,"type":"ping"}`)) != nil {
				return // closed: as it should be
			}
		}
	}()
	for s := c.next(); s.Type == "reply"; s = c.next() {
	}
	c.wantClose(endTooMany.code)
}

func TestJoinsAreBounded(t *testing.T) {
	g := inMemory(t)
	c := g.as(t, "ada")
	id := func(i int) string { return "c" + strings.Repeat("x", i%50) + string(rune('a'+i/50)) }
	for i := range maxJoined + 1 {
		g.create(id(i), "ada")
		c.send(`{"id":1,"type":"join","conversation":"` + id(i) + `"}`)
	}
	refused := 0
	for range maxJoined + 1 {
		if s := c.next(); s.Type == "error" && s.Code == "too_many_joined" {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("%d joins were refused, want 1", refused)
	}
}

// What the decoder takes is plausible, and what it refuses must be a fault that a client may see.
func FuzzDecodeNative(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"type":"join","conversation":"c","rev":57}`, `{"id":2,"type":"send","conversation":"c","body":"hi","client_msg_id":"a"}`,
		`{"type":"auth","token":"x"}`, `{"id":0,"type":"read","conversation":"c","seq":3}`, `{"type":"typing","conversation":"c"}`,
		`{"id":9007199254740992,"type":"ping"}`, `{"id":1e3,"type":"leave"}`, "[]", "null", "{\"type\":\"ping\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeNative(data)
		if err != nil {
			e := fault.From(err)
			if e.Kind != fault.Invalid {
				t.Fatalf("%q is refused by %v", data, err)
			}
			if answer := (native{}).failure(c.id, e); len(answer) > 1000 {
				t.Fatalf("an error of %d bytes", len(answer))
			}
			return
		}
		if c.conversation == "" && c.name != cmdPing && c.name != cmdAuth {
			t.Fatalf("%q has no conversation", data)
		}
		if c.rev != nil && *c.rev < 0 || c.seq < 0 {
			t.Fatalf("%q has a negative number", data)
		}
		var object map[string]any
		if httpkit.StrictJSON(data, &object) != nil {
			t.Fatalf("%q is no object", data)
		}
	})
}

func TestASteadyFloodOfCommandsEndsTheSocketThoughSomeAreAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hub{ctx: t.Context(), local: ratelimit.NewMemory(), metrics: newMetrics(prometheus.NewRegistry(), new(atomic.Int64))}
		s := h.newSession(native{}, &httpkit.Info{})
		defer s.stop()
		for range commandRule.Burst + 4*maxRefused {
			s.withinRate(command{name: cmdPing})
			time.Sleep(5 * time.Millisecond) // 200 a second, of which 50 are accepted
		}
		if e := s.out.ending(); e != endTooMany {
			t.Errorf("ended by %+v", e)
		}
	})
}
