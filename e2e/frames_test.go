package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// run is a Confab with three people and a group, in which each documented frame is provoked.
type run struct {
	*confab
	ann, bob, cid person
	chat          string
	sockets       []*socket
}

func (r *run) dial(t *testing.T, p person, headers ...string) *socket {
	s := p.dial(t, headers...)
	r.sockets = append(r.sockets, s)
	return s
}

func TestEachDocumentedFrameGoesByInARealRun(t *testing.T) {
	r := &run{confab: own(t, "-drain", "1s")}
	r.ann, r.bob, r.cid = register(t, r.url), register(t, r.url), register(t, r.url)
	r.chat = r.ann.group(t, r.bob)
	hers, his := r.commands(t)
	r.events(t, hers, his)
	if his.seen["memberTypes"] {
		t.Error("the typist hears of himself")
	}
	r.missTooMuch(t)
	r.cancel() // as SIGTERM does
	if f := hers.until("reconnect"); f.Type != "reconnect" || hers.next().Seq != 1012 {
		t.Fatalf("the last that is heard is %+v", f)
	}
	seen := map[string]bool{}
	for _, s := range r.sockets {
		for name := range s.seen {
			seen[name] = true
		}
	}
	for _, name := range theProtocol(t).documented() {
		if !seen[name] {
			t.Errorf("no frame was %s", name)
		}
	}
}

// commands gives each command. The sockets of Ann and Bob have joined then.
func (r *run) commands(t *testing.T) (hers, his *socket) {
	t.Helper()
	hers, his = r.dial(t, r.ann), r.dial(t, person{visitor: r.bob.with("")})
	his.command(map[string]any{"type": "ping"}) // an error: he has not said who he is
	if f, _ := his.command(map[string]any{"type": "auth", "token": r.bob.token}); f.Session == nil || f.Session.UserID != r.bob.id {
		t.Fatalf("the token is answered by %+v", f)
	}
	hers.goesOn()
	hers.join(r.chat)
	hers.command(map[string]any{"type": "leave", "conversation": r.chat})
	hers.join(r.chat)
	his.join(r.chat)
	his.command(map[string]any{"type": "typing", "conversation": r.chat})
	if f := hers.until("typing"); f.UserID != r.bob.id {
		t.Fatalf("typing is %+v", f)
	}
	his.command(map[string]any{"type": "send", "conversation": r.chat, "body": secret, "client_msg_id": random()})
	return hers, his
}

// events has each event come that needs no fault.
func (r *run) events(t *testing.T, hers, his *socket) {
	t.Helper()
	message := r.ann.send(t, r.chat, secret)
	his.until("message.created")
	for !his.seen["inbox"] { // a hint keeps no order with the events
		his.next()
	}
	want[sent](t, 200, r.ann.call(t, "PATCH", "/v1/messages/"+message.ID, map[string]string{"body": secret + " again"}))
	his.until("message.updated")
	want[sent](t, 200, r.ann.call(t, "DELETE", "/v1/messages/"+message.ID, nil))
	his.until("message.deleted")
	his.command(map[string]any{"type": "read", "conversation": r.chat, "seq": 2})
	hers.until("read")
	members := "/v1/conversations/" + r.chat + "/members"
	want[any](t, 201, r.ann.call(t, "POST", members, map[string]string{"user_id": r.cid.id}))
	hers.until("member.added")
	want[any](t, 204, r.ann.call(t, "DELETE", members+"/"+r.cid.id, nil))
	hers.until("member.removed")
}

// missTooMuch joins with a rev that is more than 1,000 events behind. Replies to sends that come together are awaited together: a lane takes 64.
func (r *run) missTooMuch(t *testing.T) {
	t.Helper()
	for range 2 { // for a socket may send 600 commands at once
		s := r.dial(t, r.ann)
		for range 10 {
			for i := range 51 {
				s.ask(map[string]any{"type": "send", "conversation": r.chat, "body": fmt.Sprint(secret, i)})
			}
			for range 51 {
				if f := s.answer(); f.Message == nil {
					t.Fatalf("a send is answered by %+v", f)
				}
			}
		}
	}
	s := r.dial(t, r.bob)
	f, before := s.command(map[string]any{"type": "join", "conversation": r.chat, "rev": 0})
	if len(before) == 0 || before[0].Type != "resync" || !before[0].Live || f.Joined == nil || before[0].Rev != f.Joined.Rev || f.Joined.Rev < 1020 {
		t.Fatalf("the join is answered by %+v, after %+v", f, before)
	}
}

func TestProtocolSeesWhatIsWrong(t *testing.T) {
	const created = `{"type":"message.created","conversation_id":"c","rev":7,"message":{"id":"m","conversation_id":"c","seq":5,"rev":7,"author_id":"a",` +
		`"body":"b","client_msg_id":"k","created_at":"2026-05-06T07:08:09.123Z","edited_at":null,"deleted_at":null}}`
	asked := map[int]string{1: "join", 2: "ping", 3: "nonsense"}
	for name, test := range map[string]struct{ frame, is string }{
		"an event":                               {created, "messageCreated"},
		"a field too many":                       {strings.Replace(created, `"rev"`, `"x":1,"rev"`, 1), ""},
		"a field missing":                        {strings.Replace(created, `"rev":7,"message"`, `"message"`, 1), ""},
		"a message with a field too many":        {strings.Replace(created, `"seq"`, `"x":1,"seq"`, 1), ""},
		"a number that is a string":              {strings.Replace(created, `"rev":7,"m`, `"rev":"7","m`, 1), ""},
		"a time without milliseconds":            {strings.Replace(created, ".123", "", 1), ""},
		"a time that never was":                  {strings.Replace(created, "-05-", "-15-", 1), ""},
		"an edit without its time":               {strings.Replace(created, "created", "updated", 1), ""},
		"an unknown event":                       {strings.Replace(created, "created", "moved", 1), ""},
		"a reply to a join":                      {`{"type":"reply","id":1,"joined":{"conversation_id":"c","rev":0}}`, "joined"},
		"a reply to a ping":                      {`{"type":"reply","id":2}`, "done"},
		"a join that is answered as a ping":      {`{"type":"reply","id":1}`, ""},
		"a reply to nonsense":                    {`{"type":"reply","id":3}`, ""},
		"a reply that nobody asked for":          {`{"type":"reply","id":4}`, ""},
		"a reply without id":                     {`{"type":"reply"}`, ""},
		"an error":                               {`{"type":"error","id":3,"code":"unknown_type","detail":"D"}`, "error"},
		"an error without id":                    {`{"type":"error","code":"invalid_json","detail":"D"}`, "error"},
		"an error of an unknown code":            {`{"type":"error","code":"x","detail":"D"}`, ""},
		"an error that names no command's field": {`{"type":"error","id":1,"code":"invalid_field","detail":"D","field":"conversation_id"}`, ""},
		"an event that answers":                  {`{"id":1,` + created[1:], ""},
		"no JSON":                                {`x`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, is := theProtocol(t), ""
			among, err := p.from([]byte(test.frame), asked)
			if err == nil {
				is, err = p.message([]byte(test.frame), among)
			}
			if is != test.is || (err == nil) != (test.is != "") {
				t.Fatalf("it is %q, %v; want %q", is, err, test.is)
			}
		})
	}
}
