package socketio_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/realtime-svc/engineio"
	"github.com/confab-chat/confab/realtime-svc/socketio"
)

const one, two, invalid = `{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":1}`, `{"message":"Invalid·namespace"}`

// connects is how a client comes into each namespace of the suites' server, by the revision of Engine.IO.
var connects = map[string]struct{ main, custom string }{
	"4": {` > 40 < 40{"sid":"…"} 42["auth",{}] `, ` > 40/custom < 40/custom,{"sid":"…"} 42/custom,["auth",{}] `},
	"3": {` < 40 42["auth",{}] `, ` > 40/custom < 40/custom, 42/custom,["auth",{}] `},
}

// follow has clients of the suites' server follow the script, one by each transport.
func follow(t *testing.T, name, eio, script string) {
	overEach(t, name+" of revision "+eio, func(t *testing.T, transport string) {
		inBubble(t, suites, func(_ *testing.T, e *endpoint) { e.open(transport, eio).follow(script) })
	})
}

func TestClientsOfRevision5Connect(t *testing.T) {
	main, custom := connects["4"].main, connects["4"].custom
	for _, test := range []struct{ name, script string }{
		{"to the main namespace", main},
		{"with a payload", `> 40{"token":"123","ä":[{"𝄞":1}]} < 40{"sid":"…"} 42["auth",{"token":"123","ä":[{"𝄞":1}]}]`},
		{"to the main namespace by its name", `> 40/,{"token":"123"} < 40{"sid":"…"} 42["auth",{"token":"123"}]`},
		{"to another namespace", `> 40/custom, < 40/custom,{"sid":"…"} 42/custom,["auth",{}]`},
		{"to another namespace without a comma", custom},
		{"to another namespace with a payload", `> 40/custom,{"token":"abc"} < 40/custom,{"sid":"…"} 42/custom,["auth",{"token":"abc"}]`},
		{"though they were refused", `> 40/random < 44/random,` + invalid + ` > 40/x,{"token":"123"} < 44/x,` + invalid + main},
		{"and are refused another namespace", main + `> 40/random, 42["message"] < 44/random,` + invalid + ` 42["message-back"]`},
		{"and are to heed a refusal", main + `> 40/random < 44/random,` + invalid + ` > 42/random,["message"] < closed`},
		{"and are pinged after they disconnect", main + `> 41 < 2 > 3 < 2 > 3 < 2 > 3 < 2 > 3 < 2`},
		{"and an attachment takes them a while", main + `> 451-["message",` + one + `] < 2 > 3 bAQID < 451-["message-back",` + one + `] bAQID`},
		{"and hear what is not ASCII", main + `> 427["message-with-ack","ä€𝄞","\u00e4<&>\n"] < 437["ä€𝄞","\u00e4<&>\n"]`},
		{"before they send an event", `> 42["message"] < closed`},
		{"before they send to the namespace", custom + `> 42["message"] < closed`},
		{"before they send an ack", `> 430[] < closed`},
		{"before they disconnect", `> 41 < closed`},
		{"before they send binary", `> bAQID < closed`},
		{"before all else, even what is wrong", `> 4abc < closed`},
		{"without an array", `> 40["token"] < closed`},
		{"without half an object", `> 40{"token" < closed`},
	} {
		follow(t, test.name, "4", test.script)
	}
}

func TestClientsOfRevision4AreConnected(t *testing.T) {
	main, custom := connects["3"].main, connects["3"].custom
	for _, test := range []struct{ name, script string }{
		{"to the main namespace at once", main},
		{"to another namespace without a sid", main + custom},
		{"to another namespace with a query", main + `> 40/custom?a=/b, < 40/custom, 42/custom,["auth",{}]`},
		{"and are refused another namespace by a string", main + `> 40/random 42["message"] < 44/random,"Invalid·namespace" 42["message-back"]`},
		{"and ping after they disconnect", main + `> 41 2 < 3 > 2 < 3`},
		{"and hear but ASCII", main + `> 427["message-with-ack","äÿ€𝄞",{"ж":"\u00e4\\ä"}] < 437["\u00e4\u00ff\u20ac\ud834\udd1e",{"\u0436":"\u00e4\\\u00e4"}]`},
		{"and hear but ASCII with attachments", main + `> 451-["message","ä",` + one + `] bw6Ti < 451-["message-back","\u00e4",` + one + `] bw6Ti`},
	} {
		follow(t, test.name, "3", test.script)
	}
}

func TestConversations(t *testing.T) {
	ten := one
	for n := range 9 {
		ten += fmt.Sprintf(`,{"_placeholder":true,"num":%d}`, n+1)
	}
	for eio, connect := range connects {
		again := ` > 40 ` + strings.TrimPrefix(connect.main, ` > 40 `)
		for _, test := range []struct{ name, script string }{
			{"an event comes back", `> 42["message",1,"2",{"3":[true]}] < 42["message-back",1,"2",{"3":[true]}]`},
			{"numbers come back as they are", `> 42["message",-1.50e+400,12345678901234567890] < 42["message-back",-1.50e+400,12345678901234567890]`},
			{"nested objects come back", `> 42["message",[[],{"a":{"b":[null,"·"]}}]] < 42["message-back",[[],{"a":{"b":[null,"·"]}}]]`},
			{"answers are in order", `> 42["message",1] 421["message-with-ack"] 42["message",2] < 42["message-back",1] 431[] 42["message-back",2]`},
			{"an ack brings the arguments back", `> 42456["message-with-ack",1,"2",{"3":[false]}] < 43456[1,"2",{"3":[false]}]`},
			{"an id has 15 digits", `> 42999999999999999["message-with-ack",1] < 43999999999999999[1]`},
			{"nothing is answered unasked", `> 42["message-with-ack"] 421["unknown"] 430["of·nothing"] 42["message"] < 42["message-back"]`},
			{"an attachment comes back", `> 451-["message",` + one + `] bAQID 42["message"] < 451-["message-back",` + one + `] bAQID 42["message-back"]`},
			{"two attachments come back", `> 452-["message",` + one + `,[` + two + `]] bAQID bBAUG < 452-["message-back",` + one + `,[` + two + `]] bAQID bBAUG`},
			{"two attachments come with an ack", `> 452-789["message-with-ack",` + two + `,` + one + `] bAQID b < 462-789[` + two + `,` + one + `] bAQID b`},
			{"ten attachments come back", `> 4510-1["message-with-ack",` + ten + `]` + strings.Repeat(` bAQ==`, 10) + ` < 4610-1[` + ten + `]` + strings.Repeat(` bAQ==`, 10)},
			{"eleven attachments are too many", `> 4511-["message",` + ten + `,{"_placeholder":true,"num":10}] < closed`},
			{"a client connects again", `> 41 ` + again + `> 42["message",1] < 42["message-back",1]`},
			{"a client disconnects from one of two", connect.custom + `> 41/custom 42["message",1] < 42["message-back",1]` + connect.custom},
			{"a client disconnects from the other", connect.custom + `> 41 42/custom,7["message-with-ack",1] < 43/custom,7[1] ` + again},
			{"ids are a namespace's own", connect.custom + `> 420["message-with-ack",1] 42/custom,0["message-with-ack",2] < 430[1] 43/custom,0[2]`},
			{"a namespace has attachments", connect.custom + `> 451-/custom,1["message-with-ack",` + one + `] b//8A < 461-/custom,1[` + one + `] b//8A`},
		} {
			follow(t, test.name, eio, connect.main+test.script)
		}
	}
}

func TestWhatEndsTheConnection(t *testing.T) {
	for eio, connect := range connects {
		for name, each := range map[string][]string{
			"a second connect":                  {`40`, `40/,{"a":1}`},
			"a namespace that is not joined":    {`42/custom,["message"]`, `43/custom,1[]`, `42/random,["message"]`, `41/custom`},
			"a packet after the disconnect":     {`41 42["message"]`, `41 41`},
			"an unknown type":                   {`4abc`, `47["message"]`, `4`, `44{"message":"for·servers"}`},
			"an event that is no array":         {`42{}`, `42"message"`, `42`, `42["message"`},
			"an array without a name":           {`42[]`, `42[1]`, `42[["message"]]`},
			"a reserved name":                   {`42["connect"]`, `42["connect_error"]`, `42["disconnect",1]`, `42["disconnecting"]`, `42["newListener"]`, `420["removeListener"]`},
			"a bad ack id":                      {`42abc["message-with-ack"]`, `42-1["message-with-ack"]`, `421.5["message-with-ack"]`, `4218446744073709551616["message-with-ack"]`, `43[1]`},
			"binary that nothing awaits":        {`bAQID`, `451-["x",` + one + `] bAQID bAQID`},
			"text where an attachment is due":   {`451-["message",` + one + `] 42["message"]`, `452-["message",` + one + `,` + two + `] bAQID 41`},
			"attachments that are not as said":  {`451-["message"]`, `451-["message",` + one + `,` + two + `]`},
			"attachments in a number that errs": {`45x-["message",` + one + `]`, `450-["message"]`, `45["message",` + one + `]`},
		} {
			for n, said := range each {
				follow(t, fmt.Sprint(name, ", number ", n), eio, connect.main+`> `+said+` < closed`)
			}
		}
	}
}

func TestClientThatDoesNotConnectIsGivenUp(t *testing.T) {
	const refusal = `44/closed,{"message":"Not·now","data":{"code":7}}`
	follow := func(e *endpoint, transport, script string, want time.Duration) {
		begin := time.Now()
		c := e.open(transport, "4")
		c.follow(script)
		if got, took := c.hear(), time.Since(begin); got != "closed" || took != want {
			e.t.Errorf("heard %q after %v", got, took)
		}
	}
	for name, test := range map[string]struct {
		timeout time.Duration
		script  string
		want    time.Duration
	}{
		"after 45 s":           {0, `< 2 > 3`, 45 * time.Second},
		"after another time":   {time.Second, ``, time.Second},
		"where it was refused": {time.Minute, `> 40/closed < ` + refusal + ` 2 > 3 < 2 > 3 40/closed < ` + refusal, time.Minute},
		"but not where it is":  {0, `> 40 < 40{"sid":"…"} > 41 < 2 > 3 < 2 > 3 < 2`, 95 * time.Second},
	} {
		overEach(t, name, func(t *testing.T, transport string) {
			inHall(t, engineio.Config{}, socketio.Config{ConnectTimeout: test.timeout}, func(_ *testing.T, e *endpoint, _ *hall) {
				follow(e, transport, test.script, test.want)
			})
		})
	}
	overEach(t, "after 1 s by the suites' server", func(t *testing.T, transport string) {
		inBubble(t, suites, func(_ *testing.T, e *endpoint) { follow(e, transport, `< 2 > 3 < 2 > 3 < 2 > 3`, time.Second) })
	})
}

func (h *hall) connect(s *socketio.Socket, auth json.RawMessage) socketio.Handler {
	h.note("%s: %d connects, %q", s.Namespace(), s.Revision(), auth)
	if s.Namespace() == "/closed" {
		s.Refuse(&socketio.Refusal{Message: "Not now", Data: map[string]int{"code": 7}})
		return nil
	}
	h.sockets[s.Namespace()] = s
	s.Accept()
	return guest{h, s.Namespace()}
}

type guest struct {
	hall      *hall
	namespace string
}

func (g guest) Event(p *socketio.Packet) {
	g.hall.note("%s: %s %q", g.namespace, p.AppendText(nil), p.Attachments)
}
func (g guest) Disconnected() { g.hall.note("%s: disconnected", g.namespace) }

func TestHandlersHearTheirClients(t *testing.T) {
	many := socketio.Config{Namespaces: 2, Limits: socketio.Limits{Attachments: 2, AttachmentBytes: 5}}
	for _, test := range []struct {
		name, eio string
		config    socketio.Config
		script    string
		heard     []string // where it is of interest
	}{
		{"of revision 5", "4", many, `> 40{"a":"ä"} 40/b < 40{"sid":"…"} 40/b,{"sid":"…"} > 42["x",1] 430["y"] 451-/b,7["z",` + one + `] bAQID 41/b`,
			[]string{`/: 5 connects, "{\"a\":\"ä\"}"`, `/b: 5 connects, ""`, `/: 2["x",1] []`, `/: 30["y"] []`, `/b: 51-/b,7["z",` + one + `] ["\x01\x02\x03"]`, `/b: disconnected`}},
		{"of revision 4", "3", many, `< 40 > 40/b?a=1, < 40/b, > 42["x","ä"] 430["y"] 451-/b,7["z",` + one + `] bAQID 41/b 40/closed < 44/closed,"Not·now"`,
			[]string{`/: 4 connects, ""`, `/b: 4 connects, ""`, `/: 2["x","ä"] []`, `/: 30["y"] []`, `/b: 51-/b,7["z",` + one + `] ["\x01\x02\x03"]`, `/b: disconnected`, `/closed: 4 connects, ""`}},
		{"in one namespace by default", "4", socketio.Config{}, `> 40 40/b < 40{"sid":"…"} 44/b,{"message":"Too·many·namespaces"} > 41 40/b < 40/b,{"sid":"…"}`, nil},
		{"of which the main one is one", "3", many, `< 40 > 40/b 40/c < 40/b, 44/c,"Too·many·namespaces"`, nil},
		{"without attachments by default", "4", socketio.Config{}, `> 40 < 40{"sid":"…"} > 451-["x",` + one + `] < closed`, nil},
		{"with few bytes of attachments", "4", many, `> 40 < 40{"sid":"…"} > 452-["x",` + one + `,` + two + `] bAQID bAQID < closed`, nil},
		{"with as few in each packet", "3", many, `< 40 > 451-["x",` + one + `] bAQIDBAU= 451-["x",` + one + `] bAQIDBAU= 2 < 3`, nil},
	} {
		overEach(t, test.name, func(t *testing.T, transport string) {
			inHall(t, engineio.Config{}, test.config, func(t *testing.T, e *endpoint, h *hall) {
				e.open(transport, test.eio).follow(test.script)
				synctest.Wait()
				if got := h.notes(); test.heard != nil && !slices.Equal(got, test.heard) {
					t.Errorf("they heard %q, want %q", got, test.heard)
				}
			})
		})
	}
}

func TestHandlersHearOnceThatTheirSocketHasEnded(t *testing.T) {
	disconnect := func(c *client, h *hall) {
		h.sockets["/"].Disconnect()
		h.sockets["/b"].Disconnect()
		c.follow(`< 41 41/b,`)
	}
	for name, test := range map[string]struct {
		leave func(c *client, h *hall)
		after time.Duration
		why   error // that a packet is not sent, a minute later
	}{
		"the client disconnects":              {func(c *client, _ *hall) { c.say("41/b", "41") }, 0, engineio.ErrSilent},
		"the client disconnects and closes":   {func(c *client, _ *hall) { c.say("41/b", "41", "1") }, 0, engineio.ErrClient},
		"the client closes":                   {func(c *client, _ *hall) { c.say("1") }, 0, engineio.ErrClient},
		"the client falls silent":             {func(*client, *hall) {}, 45 * time.Second, engineio.ErrSilent},
		"the client breaks Socket.IO's rules": {func(c *client, _ *hall) { c.say("42[]") }, 0, engineio.ErrServer},
		"the client breaks Engine.IO's rules": {func(c *client, _ *hall) { c.say("2") }, 0, engineio.ErrProtocol},
		"the WebSocket breaks":                {func(c *client, _ *hall) { _ = c.ws.NetConn().Close() }, 0, engineio.ErrLost},
		"the server closes":                   {func(_ *client, h *hall) { h.Close() }, 0, engineio.ErrServer},
		"the server disconnects":              {func(c *client, h *hall) { disconnect(c, h); c.say("1") }, 0, engineio.ErrClient},
		"the server disconnects and hears so": {func(c *client, h *hall) { disconnect(c, h); c.say("41", "41/b") }, 0, engineio.ErrSilent},
	} {
		overEach(t, name, func(t *testing.T, transport string) {
			if name == "the WebSocket breaks" && transport == transports[1] {
				return
			}
			want := []string{`/: 2["last"] []`, `/: 5 connects, ""`, `/: disconnected`, `/b: 5 connects, ""`, `/b: disconnected`}
			heard := inHall(t, engineio.Config{}, socketio.Config{Namespaces: 2}, func(t *testing.T, e *endpoint, h *hall) {
				c := e.open(transport, "4")
				c.follow(`> 40 40/b < 40{"sid":"…"} 40/b,{"sid":"…"} > 42["last"]`)
				synctest.Wait()
				test.leave(c, h)
				time.Sleep(test.after)
				synctest.Wait()
				if got := slices.Sorted(slices.Values(h.notes())); !slices.Equal(got, want) {
					t.Errorf("they heard %q, want %q", got, want)
				}
				time.Sleep(time.Minute)
				if err := h.sockets["/"].Send(&socketio.Packet{Type: socketio.Event}); !errors.Is(err, test.why) {
					t.Errorf("what comes late ends with: %v", err)
				}
			}).notes()
			if len(heard) != len(want) {
				t.Errorf("in the end they heard %q", heard)
			}
		})
	}
}

func TestPacketsOfManyGoroutinesStayWhole(t *testing.T) {
	const senders, each = 8, 20
	for eio, connect := range map[string]string{"4": `> 40 < 40{"sid":"…"}`, "3": `< 40`} {
		overEach(t, "revision "+eio, func(t *testing.T, transport string) {
			inHall(t, engineio.Config{MaxBuffer: 200}, socketio.Config{}, func(t *testing.T, e *endpoint, h *hall) {
				c := e.open(transport, eio)
				c.follow(connect)
				var group sync.WaitGroup
				defer group.Wait()
				defer h.Close()
				for n := range senders {
					group.Go(func() {
						for m := range each {
							tag := fmt.Appendf(nil, "%03d", each*n+m)
							p := socketio.Packet{Type: socketio.Event, Name: base64.StdEncoding.EncodeToString(tag), Attachments: [][]byte{tag, tag}}
							_ = h.sockets["/"].Send(&p)
							group.Go(func() { _ = h.sockets["/"].SendText([]byte(`2["y"]`)) })
						}
					})
				}
				for whole, texts := 0, 0; whole+texts < 2*senders*each; {
					p := c.hear()
					tag, isWhole := strings.CutPrefix(p, `452-["`)
					switch {
					case isWhole && c.hear() == "b"+tag[:4] && c.hear() == "b"+tag[:4]:
						whole++
					case p == `42["y"]`:
						texts++
					default:
						t.Errorf("after %d packets comes %q", whole+texts, p)
						return
					}
				}
			})
		})
	}
}
