package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// bad is a frame and what answers it. Frames bear the id 7 where they can.
type bad struct {
	frame string
	want  saying // zero: nothing answers it
}

// saying is what matters of an answer.
type saying struct {
	kind  string
	id    int
	code  string
	field string
}

func (f frame) saying() saying { return saying{f.Type, f.ID, f.Code, f.Field} }

func refusal(code string) saying { return saying{"error", 7, code, ""} }

// unread is the refusal of a frame whose id could not be read.
func unread(code string) saying { return saying{"error", 0, code, ""} }

func wrongField(field string) saying { return saying{"error", 7, "invalid_field", field} }

var badID = saying{"error", 0, "invalid_field", "id"}

var taken = saying{"reply", 7, "", ""}

// try sends the frame and fails the test unless it is answered as it should be, once, and the socket goes on.
func (b bad) try(t *testing.T, s *socket) {
	t.Helper()
	s.t = t
	s.write(b.frame)
	if b.want != (saying{}) {
		f := s.answer()
		if f.saying() != b.want {
			t.Errorf("got %+v, want %+v", f.saying(), b.want)
		}
		if f.Type == "closed" {
			t.FailNow()
		}
	}
	s.goesOn()
}

func TestBadFrameIsAnErrorAndTheSocketGoesOn(t *testing.T) {
	people := newCast(t, underTest.url).scene(t)
	s := people.people[plain].dial(t)
	s.id = 100 // above those of the table
	for name, row := range map[string]bad{
		"nothing":                         {``, unread("invalid_json")},
		"a space":                         {` `, unread("invalid_json")},
		"a word":                          {`ping`, unread("invalid_json")},
		"half an object":                  {`{"id":7,"type":"ping"`, unread("invalid_json")},
		"two objects":                     {`{"id":7,"type":"ping"} {}`, unread("invalid_json")},
		"an array":                        {`[]`, unread("invalid_json")},
		"an array of commands":            {`[{"id":7,"type":"ping"}]`, unread("invalid_json")},
		"a string":                        {`"ping"`, unread("invalid_json")},
		"a number":                        {`7`, unread("invalid_json")},
		"true":                            {`true`, unread("invalid_json")},
		"null":                            {`null`, unread("invalid_json")},
		"a byte order mark":               {"\ufeff" + `{"id":7,"type":"ping"}`, unread("invalid_json")},
		"a NUL":                           {"{\x00}", unread("invalid_json")},
		"a comma too many":                {`{"id":7,"type":"ping",}`, unread("invalid_json")},
		"a comment":                       {`{"id":7,/* */"type":"ping"}`, unread("invalid_json")},
		"a number that is none":           {`{"id":7,"type":"join","rev":NaN}`, unread("invalid_json")},
		"60,000 arrays":                   {strings.Repeat("[", 60_000) + strings.Repeat("]", 60_000), unread("invalid_json")},
		"60,000 arrays in a field":        {`{"id":7,"type":"ping","x":` + strings.Repeat("[", 60_000) + strings.Repeat("]", 60_000) + `}`, unread("invalid_json")},
		"5,000 objects in a field":        {`{"id":7,"type":"ping","x":` + strings.Repeat(`{"a":`, 5_000) + "1" + strings.Repeat("}", 5_000) + `}`, refusal("unknown_field")},
		"5,000 arrays for a text":         {`{"id":7,"type":"send","conversation":"$conversation","body":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + `}`, wrongField("body")},
		"a frame as long as may be":       {`{"id":7,"type":"ping"}` + strings.Repeat(" ", 128<<10-22), taken},
		"white space around":              {" \r\n\t" + `{"id":7,"type":"ping"}` + "\n", taken},
		"an object":                       {`{}`, unread("unknown_type")},
		"no type":                         {`{"id":7}`, refusal("unknown_type")},
		"an empty type":                   {`{"id":7,"type":""}`, refusal("unknown_type")},
		"an unknown type":                 {`{"id":7,"type":"watch"}`, refusal("unknown_type")},
		"a type in upper case":            {`{"id":7,"type":"PING"}`, refusal("unknown_type")},
		"an event":                        {`{"id":7,"type":"message.created"}`, refusal("unknown_type")},
		"a reply":                         {`{"id":7,"type":"reply"}`, refusal("unknown_type")},
		"an unknown type without id":      {`{"type":"watch"}`, unread("unknown_type")},
		"a type twice, the last good":     {`{"id":7,"type":"join","type":"ping"}`, taken},
		"a type twice, the last bad":      {`{"id":7,"type":"ping","type":"watch"}`, refusal("unknown_type")},
		"an id twice":                     {`{"id":6,"id":7,"type":"ping"}`, taken},
		"a field of another case":         {`{"id":7,"TYPE":"ping"}`, refusal("unknown_field")},
		"an unknown field":                {`{"id":7,"type":"ping","x":1}`, refusal("unknown_field")},
		"an operator for a field":         {`{"id":7,"type":"ping","$where":"1"}`, refusal("unknown_field")},
		"an empty field":                  {`{"id":7,"type":"ping","":1}`, refusal("unknown_field")},
		"a field of another command":      {`{"id":7,"type":"ping","conversation":"$conversation"}`, refusal("unknown_field")},
		"a rev for a leave":               {`{"id":7,"type":"leave","conversation":"$conversation","rev":1}`, refusal("unknown_field")},
		"a field of the HTTP API":         {`{"id":7,"type":"join","conversation_id":"$conversation"}`, refusal("unknown_field")},
		"a command without id":            {`{"type":"ping"}`, saying{}},
		"an id that is null":              {`{"id":null,"type":"ping"}`, saying{}},
		"an id that is a string":          {`{"id":"7","type":"ping"}`, badID},
		"an id that is an object":         {`{"id":{},"type":"ping"}`, badID},
		"a negative id":                   {`{"id":-1,"type":"ping"}`, badID},
		"a fraction of an id":             {`{"id":7.5,"type":"ping"}`, badID},
		"an id of 2^53":                   {`{"id":9007199254740992,"type":"ping"}`, badID},
		"an id of 400 digits":             {`{"id":1` + strings.Repeat("0", 399) + `,"type":"ping"}`, badID},
		"an id of 2^53-1":                 {`{"id":9007199254740991,"type":"ping"}`, saying{"reply", 1<<53 - 1, "", ""}},
		"a bad id and a bad type at once": {`{"id":[],"type":[]}`, badID},
	} {
		t.Run(name, func(t *testing.T) {
			row.frame = people.fill(row.frame, plain)
			row.try(t, s)
		})
	}
}

// Every field of every command, with values of types that it is not of.
func TestFieldOfTheWrongTypeIsNamed(t *testing.T) {
	people := newCast(t, underTest.url).scene(t)
	text, number := []string{`7`, `true`, `[]`, `{"$gt":""}`, `["$conversation"]`}, []string{`"1"`, `true`, `[]`, `{}`, `1.5`, `9223372036854775808`, `1e3`, `-9e99`}
	for command, fields := range map[string]map[string][]string{
		"auth":   {"type": text, "token": text},
		"ping":   {"type": text},
		"join":   {"conversation": text, "rev": number},
		"leave":  {"conversation": text},
		"send":   {"conversation": text, "body": text, "client_msg_id": text},
		"read":   {"conversation": text, "seq": number},
		"typing": {"conversation": text},
	} {
		s := people.people[plain].dial(t)
		s.id = 100
		for field, values := range fields {
			for _, value := range values {
				t.Run(fmt.Sprintf("%s with %s %s", command, field, value), func(t *testing.T) {
					bad{people.fill(fmt.Sprintf(`{"id":7,"type":%q,%q:%s}`, command, field, value), plain), wrongField(field)}.try(t, s)
				})
			}
		}
	}
}

func TestConversationThatIsNoneIsRefused(t *testing.T) {
	people := newCast(t, underTest.url).scene(t)
	theirs := people.people[stranger].group(t, people.bystander)
	s := people.people[plain].dial(t)
	s.id = 100
	for name, row := range map[string]struct {
		conversation  string
		found, joined saying // of join, send and read; of leave and typing
	}{
		"none at all":       {``, wrongField("conversation"), wrongField("conversation")},
		"null":              {`,"conversation":null`, wrongField("conversation"), wrongField("conversation")},
		"empty":             {`,"conversation":""`, wrongField("conversation"), wrongField("conversation")},
		"65 characters":     {`,"conversation":"` + strings.Repeat("a", 65) + `"`, wrongField("conversation"), wrongField("conversation")},
		"100,000":           {`,"conversation":"` + strings.Repeat("a", 100_000) + `"`, wrongField("conversation"), wrongField("conversation")},
		"a NUL":             {`,"conversation":"a\u0000"`, wrongField("conversation"), wrongField("conversation")},
		"a space":           {`,"conversation":"a b"`, wrongField("conversation"), wrongField("conversation")},
		"a slash":           {`,"conversation":"a/b"`, wrongField("conversation"), wrongField("conversation")},
		"braces":            {`,"conversation":"{}"`, wrongField("conversation"), wrongField("conversation")},
		"another's channel": {`,"conversation":"a}confab:conv:{` + theirs + `"`, wrongField("conversation"), wrongField("conversation")},
		"a lone surrogate":  {`,"conversation":"\ud800"`, wrongField("conversation"), wrongField("conversation")},
		"64 characters":     {`,"conversation":"` + strings.Repeat("a", 64) + `"`, refusal("conversation_not_found"), refusal("not_joined")},
		"dots":              {`,"conversation":".."`, refusal("conversation_not_found"), refusal("not_joined")},
		"somebody else's":   {`,"conversation":"` + theirs + `"`, refusal("conversation_not_found"), refusal("not_joined")},
		"a message":         {`,"conversation":"` + people.message + `"`, refusal("conversation_not_found"), refusal("not_joined")},
	} {
		for command, rest := range map[string]string{"join": "", "send": `,"body":"` + secret + `"`, "read": `,"seq":0`, "leave": "", "typing": ""} {
			t.Run(command+" of "+name, func(t *testing.T) {
				want := row.found
				if command == "leave" || command == "typing" {
					want = row.joined
				}
				bad{`{"id":7,"type":"` + command + `"` + row.conversation + rest + `}`, want}.try(t, s)
			})
		}
	}
}
