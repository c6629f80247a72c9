package e2e_test

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBodyOfASend(t *testing.T) {
	people := newCast(t, underTest.url).scene(t)
	s := people.people[plain].dial(t)
	for name, row := range map[string]struct {
		fields string // of the command, in JSON
		field  string // at fault; empty: it is stored
		stored func(body string) bool
	}{
		"none":                        {``, "body", nil},
		"null":                        {`,"body":null`, "body", nil},
		"empty":                       {`,"body":""`, "body", nil},
		"blank":                       {`,"body":" \t\n\u00a0\u3000"`, "body", nil},
		"a NUL":                       {`,"body":"a\u0000b"`, "body", nil},
		"a byte above 16 KiB":         {`,"body":"` + strings.Repeat("x", 16<<10+1) + `"`, "body", nil},
		"a character across 16 KiB":   {`,"body":"` + strings.Repeat("é", 8<<10) + `x"`, "body", nil},
		"100 KiB":                     {`,"body":"` + strings.Repeat("x", 100<<10) + `"`, "body", nil},
		"16 KiB":                      {`,"body":"` + strings.Repeat("x", 16<<10) + `"`, "", func(body string) bool { return len(body) == 16<<10 }},
		"16 KiB of long characters":   {`,"body":"` + strings.Repeat("é", 8<<10) + `"`, "", func(body string) bool { return len(body) == 16<<10 }},
		"16 KiB, all of escapes":      {`,"body":"` + strings.Repeat(`\u0041`, 16<<10) + `"`, "", func(body string) bool { return body == strings.Repeat("A", 16<<10) }},
		"lone surrogates":             {`,"body":"a\ud800b\udc00"`, "", func(body string) bool { return body == "a\ufffdb\ufffd" && utf8.ValidString(body) }},
		"a pair of surrogates":        {`,"body":"\ud83d\ude00"`, "", func(body string) bool { return body == "😀" }},
		"what HTML and JS mind":       {`,"body":"</script>\u2028<!--&"`, "", func(body string) bool { return body == "</script>\u2028<!--&" }},
		"control characters":          {`,"body":"\u001b[2J\u0007\r\n"`, "", func(body string) bool { return body == "\x1b[2J\a\r\n" }},
		"one twice, the last counts":  {`,"body":"a","body":"` + secret + `"`, "", func(body string) bool { return body == secret }},
		"a client_msg_id of 64":       {`,"body":"` + secret + `","client_msg_id":"` + strings.Repeat("k", 64) + `"`, "", nil},
		"a client_msg_id of 65":       {`,"body":"` + secret + `","client_msg_id":"` + strings.Repeat("k", 65) + `"`, "client_msg_id", nil},
		"a client_msg_id with braces": {`,"body":"` + secret + `","client_msg_id":"{}"`, "client_msg_id", nil},
		"a client_msg_id with NUL":    {`,"body":"` + secret + `","client_msg_id":"a\u0000"`, "client_msg_id", nil},
		"an empty client_msg_id":      {`,"body":"` + secret + `","client_msg_id":""`, "", nil},
		"a client_msg_id of null":     {`,"body":"` + secret + `","client_msg_id":null`, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s.t, s.id = t, 100
			s.write(`{"id":7,"type":"send","conversation":"` + people.conversation + `"` + row.fields + `}`)
			f := s.answer()
			if row.field != "" && (f.Code != "invalid_field" || f.Field != row.field) || row.field == "" && (f.Message == nil || f.Message.ClientMsgID == "") {
				t.Fatalf("got %+v", f)
			}
			if row.stored != nil && !row.stored(f.Message.Body) {
				t.Errorf("stored is %q", f.Message.Body)
			}
			s.goesOn()
		})
	}
}

func TestClientMsgIDOfSomethingElseIsRefused(t *testing.T) {
	people := newCast(t, underTest.url).scene(t)
	author := people.people[plain]
	want[sent](t, 200, author.call(t, "PATCH", "/v1/messages/"+people.message, map[string]string{"body": secret + " again", "client_msg_id": "edit-1"}))
	s := author.dial(t)
	f, _ := s.command(map[string]any{"type": "send", "conversation": people.conversation, "body": secret, "client_msg_id": "edit-1"})
	if f.Code != "client_msg_id_reused" {
		t.Fatalf("got %+v", f)
	}
	s.goesOn()
}

// The conversation has three events, another of hers five.
func TestPositionsOfJoinAndRead(t *testing.T) {
	people := newCast(t, underTest.url).scene(t)
	author := people.people[plain]
	author.send(t, people.conversation, secret)
	author.send(t, people.conversation, secret)
	long := author.group(t, people.bystander)
	for range 5 {
		author.send(t, long, secret)
	}
	eventually(t, "the author has read her own messages", func() bool {
		return author.get(t, people.conversation).ReadSeq == 3 && author.get(t, long).ReadSeq == 5
	})
	notReached := saying{"error", 7, "rev_not_reached", "rev"}
	for name, row := range map[string]struct {
		command string // without id
		want    saying
		events  int   // that come before the answer
		at      int64 // where it stands then
	}{
		"a rev of -1":                            {`"type":"join","conversation":"$conversation","rev":-1`, wrongField("rev"), 0, 0},
		"a rev of -2^63":                         {`"type":"join","conversation":"$conversation","rev":-9223372036854775808`, wrongField("rev"), 0, 0},
		"a rev of 1.5":                           {`"type":"join","conversation":"$conversation","rev":1.5`, wrongField("rev"), 0, 0},
		"a rev of 2^53":                          {`"type":"join","conversation":"$conversation","rev":9007199254740992`, wrongField("rev"), 0, 0},
		"a rev of 2^63":                          {`"type":"join","conversation":"$conversation","rev":9223372036854775808`, wrongField("rev"), 0, 0},
		"a rev of 2^53-1":                        {`"type":"join","conversation":"$conversation","rev":9007199254740991`, notReached, 0, 0},
		"a rev from the future":                  {`"type":"join","conversation":"$conversation","rev":4`, notReached, 0, 0},
		"a rev of a longer conversation":         {`"type":"join","conversation":"$conversation","rev":5`, notReached, 0, 0},
		"a rev of a shorter one":                 {`"type":"join","conversation":"$long","rev":3`, taken, 2, 5},
		"a rev of null":                          {`"type":"join","conversation":"$conversation","rev":null`, taken, 0, 3},
		"no rev":                                 {`"type":"join","conversation":"$conversation"`, taken, 0, 3},
		"a rev of 0":                             {`"type":"join","conversation":"$conversation","rev":0`, taken, 3, 3},
		"a rev of -0":                            {`"type":"join","conversation":"$conversation","rev":-0`, taken, 3, 3},
		"the last rev":                           {`"type":"join","conversation":"$conversation","rev":3`, taken, 0, 3},
		"a rev twice, the last counts":           {`"type":"join","conversation":"$conversation","rev":9,"rev":2`, taken, 1, 3},
		"a seq of -1":                            {`"type":"read","conversation":"$conversation","seq":-1`, wrongField("seq"), 0, 0},
		"a seq of 1.5":                           {`"type":"read","conversation":"$conversation","seq":1.5`, wrongField("seq"), 0, 0},
		"a seq of 2^53":                          {`"type":"read","conversation":"$conversation","seq":9007199254740992`, wrongField("seq"), 0, 0},
		"a seq of 2^63":                          {`"type":"read","conversation":"$conversation","seq":9223372036854775808`, wrongField("seq"), 0, 0},
		"a seq from the future":                  {`"type":"read","conversation":"$conversation","seq":4`, wrongField("seq"), 0, 0},
		"a seq of a longer conversation":         {`"type":"read","conversation":"$conversation","seq":5`, wrongField("seq"), 0, 0},
		"a seq of null":                          {`"type":"read","conversation":"$conversation","seq":null`, wrongField("seq"), 0, 0},
		"no seq":                                 {`"type":"read","conversation":"$conversation"`, wrongField("seq"), 0, 0},
		"a seq of a shorter one, which was read": {`"type":"read","conversation":"$long","seq":3`, taken, 0, 5},
		"a seq of 0":                             {`"type":"read","conversation":"$conversation","seq":0`, taken, 0, 3},
		"the last seq":                           {`"type":"read","conversation":"$conversation","seq":3`, taken, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := author.dial(t)
			s.id = 100
			s.write(`{"id":7,` + strings.NewReplacer("$conversation", people.conversation, "$long", long).Replace(row.command) + `}`)
			events := 0
			f := s.next()
			for ; f.Type != "reply" && f.Type != "error" && f.Type != "closed"; f = s.next() {
				if f.Type == "message.created" {
					events++
				}
			}
			if f.saying() != row.want || events != row.events {
				t.Fatalf("after %d events comes %+v, want %+v after %d", events, f.saying(), row.want, row.events)
			}
			if f.Joined != nil && f.Joined.Rev != row.at || f.ReadSeq != nil && *f.ReadSeq != row.at {
				t.Fatalf("it does not stand at %d", row.at)
			}
			s.goesOn()
		})
	}
}
