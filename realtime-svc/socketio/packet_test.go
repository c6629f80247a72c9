package socketio

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

var testLimits = Limits{Attachments: 3, AttachmentBytes: 8}

func args(texts ...string) []json.RawMessage {
	list := make([]json.RawMessage, len(texts))
	for i, text := range texts {
		list[i] = json.RawMessage(text)
	}
	return list
}

// decode passes a text and its attachments to a new decoder. It wants that nothing is returned before the last of them.
func decode(t *testing.T, text string, attachments ...string) (*Packet, error) {
	t.Helper()
	d := &Decoder{Limits: testLimits}
	p, err := d.Text([]byte(text))
	for i, data := range attachments {
		if p != nil || err != nil {
			t.Fatalf("%q was taken as %+v, %v, with %d of %d attachments", text, p, err, i, len(attachments))
		}
		p, err = d.Binary([]byte(data))
	}
	return p, err
}

func TestWhatClientsSend(t *testing.T) {
	const placeholder = `{"_placeholder":true,"num":0}`
	main := func(p Packet) Packet {
		p.Namespace = "/"
		return p
	}
	long := "/" + strings.Repeat("x", maxNamespace-1)
	tests := []struct {
		name, text  string
		attachments []string
		want        Packet
		encoded     string // "": as it came
	}{
		{"a connect of revision 4 has no data", `0`, nil, main(Packet{}), ""},
		{"a connect has an object", `0{"token":"x"}`, nil, main(Packet{Data: json.RawMessage(`{"token":"x"}`)}), ""},
		{"a namespace ends with a comma", `0/custom,{"a":1}`, nil, Packet{Namespace: "/custom", Data: json.RawMessage(`{"a":1}`)}, ""},
		{"a namespace ends with the text", `0/custom`, nil, Packet{Namespace: "/custom"}, `0/custom,`},
		{"the main namespace may be named", `0/,`, nil, main(Packet{}), `0`},
		{"a namespace has a query", `0/admin?token=1`, nil, Packet{Namespace: "/admin"}, `0/admin,`},
		{"the main namespace has a query", `0/?token=1`, nil, main(Packet{}), `0`},
		{"a query comes before the data", `0/admin?a=/b?c,{}`, nil, Packet{Namespace: "/admin", Data: json.RawMessage(`{}`)}, `0/admin,{}`},
		{"a long query is no long namespace", `0/a?` + strings.Repeat("x", 1000), nil, Packet{Namespace: "/a"}, `0/a,`},
		{"a namespace has all the bytes it may have", `0` + long + `,`, nil, Packet{Namespace: long}, ""},
		{"a namespace is not ASCII", `0/é,`, nil, Packet{Namespace: "/é"}, ""},
		{"a disconnect has nothing", `1`, nil, main(Packet{Type: Disconnect}), ""},
		{"a disconnect has a namespace", `1/custom,`, nil, Packet{Type: Disconnect, Namespace: "/custom"}, ""},
		{"an event has a name", `2["new message"]`, nil, main(Packet{Type: Event, Name: "new message", Args: args()}), ""},
		{"an event has arguments", `2["a",1e400,null,{"b":[]}]`, nil,
			main(Packet{Type: Event, Name: "a", Args: args(`1e400`, `null`, `{"b":[]}`)}), ""},
		{"a name is escaped", `2["\u0061\"\ud83d\ude00"]`, nil, main(Packet{Type: Event, Name: "a\"😀", Args: args()}), `2["a\"😀"]`},
		{"a name is empty", `2[""]`, nil, main(Packet{Type: Event, Args: args()}), ""},
		{"a name is of another case than a reserved one", `2["Connect"]`, nil, main(Packet{Type: Event, Name: "Connect", Args: args()}), ""},
		{"an array has spaces", "2[ \"a\" , {} ]\n", nil, main(Packet{Type: Event, Name: "a", Args: args(`{}`)}), `2["a",{}]`},
		{"an event wants an ack", `20["a"]`, nil, main(Packet{Type: Event, ID: new(uint64(0)), Name: "a", Args: args()}), ""},
		{"an id has 15 digits", `2999999999999999["a"]`, nil,
			main(Packet{Type: Event, ID: new(uint64(999999999999999)), Name: "a", Args: args()}), ""},
		{"an id begins with zeros", `2/a,007["a"]`, nil, Packet{Type: Event, Namespace: "/a", ID: new(uint64(7)), Name: "a", Args: args()}, `2/a,7["a"]`},
		{"an ack has no argument", `312[]`, nil, main(Packet{Type: Ack, ID: new(uint64(12)), Args: args()}), ""},
		{"an ack has reserved words", `3/a,1["connect",2]`, nil, Packet{Type: Ack, Namespace: "/a", ID: new(uint64(1)), Args: args(`"connect"`, `2`)}, ""},
		{"a placeholder without attachments is an object", `2["a",` + placeholder + `]`, nil,
			main(Packet{Type: Event, Name: "a", Args: args(placeholder)}), ""},
		{"an event has an attachment", `51-["a",` + placeholder + `]`, []string{"\xff\x00"},
			main(Packet{Type: Event, Name: "a", Args: args(placeholder), Attachments: [][]byte{{255, 0}}}), ""},
		{"an attachment is empty", `51-["a",` + placeholder + `]`, []string{""},
			main(Packet{Type: Event, Name: "a", Args: args(placeholder), Attachments: [][]byte{{}}}), ""},
		{"an attachment has all the bytes it may have", `51-["a",` + placeholder + `]`, []string{"12345678"},
			main(Packet{Type: Event, Name: "a", Args: args(placeholder), Attachments: [][]byte{[]byte("12345678")}}), ""},
		{"an attachment is used twice", `51-["a",` + placeholder + `,` + placeholder + `]`, []string{"x"},
			main(Packet{Type: Event, Name: "a", Args: args(placeholder, placeholder), Attachments: [][]byte{{'x'}}}), ""},
		{"as many attachments come as may",
			`53-/a,7["a",1e400,[{"num":2,"_placeholder":true}],{"x":{"_placeholder":true,"num":0},"y":{"_placeholder":true,"num":1}}]`,
			[]string{"12", "345", "678"}, Packet{Type: Event, Namespace: "/a", ID: new(uint64(7)), Name: "a",
				Args:        args(`1e400`, `[{"num":2,"_placeholder":true}]`, `{"x":{"_placeholder":true,"num":0},"y":{"_placeholder":true,"num":1}}`),
				Attachments: [][]byte{[]byte("12"), []byte("345"), []byte("678")}}, ""},
		{"what only looks like a placeholder is an object",
			`51-["a",{"_placeholder":false,"num":1},{"_Placeholder":true},{"_placeholder":[true]},` + placeholder + `]`, []string{"x"},
			main(Packet{Type: Event, Name: "a", Attachments: [][]byte{{'x'}},
				Args: args(`{"_placeholder":false,"num":1}`, `{"_Placeholder":true}`, `{"_placeholder":[true]}`, placeholder)}), ""},
		{"what is in a placeholder does not count", `51-["a",{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":1}}]`, []string{"x"},
			main(Packet{Type: Event, Name: "a", Attachments: [][]byte{{'x'}},
				Args: args(`{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":1}}`)}), ""},
		{"an ack has an attachment", `61-3[` + placeholder + `]`, []string{"x"},
			main(Packet{Type: Ack, ID: new(uint64(3)), Args: args(placeholder), Attachments: [][]byte{{'x'}}}), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := decode(t, tt.text, tt.attachments...)
			if err != nil || !reflect.DeepEqual(*p, tt.want) {
				t.Fatalf("%q is %+v, %v, want %+v", tt.text, p, err, tt.want)
			}
			want := tt.encoded
			if want == "" {
				want = tt.text
			}
			if got := string(p.AppendText([]byte("4"))); got != "4"+want {
				t.Errorf("encoded it is %s, want 4%s", got, want)
			}
		})
	}
}

func TestWhatBreaksTheProtocol(t *testing.T) {
	tests := []struct {
		name, text string
		reason     string
	}{
		{"a text is empty", ``, "type is unknown"},
		{"a type is no digit", `abc`, "type is unknown"},
		{"a type is below all digits", `/`, "type is unknown"},
		{"a type is above 6", `7["a"]`, "type is unknown"},
		{"a string is no UTF-8", "2[\"a\xff\"]", "no UTF-8"},
		{"a namespace is no UTF-8", "0/\xff", "no UTF-8"},
		{"a namespace has no slash", `0custom`, "no object"},
		{"a namespace is one byte too long", `0/` + strings.Repeat("x", maxNamespace), "namespace is too long"},
		{"a connect has an array", `0[]`, "no object"},
		{"a connect has null", `0null`, "no object"},
		{"a connect has half an object", `0{"a":1`, "no object"},
		{"a connect has two objects", `0{}{}`, "no object"},
		{"a connect has an id", `01`, "an id is given"},
		{"a disconnect has an id", `1/a,1`, "an id is given"},
		{"a disconnect has data", `1{}`, "disconnect has data"},
		{"a client refuses a connect", `4{"message":"no"}`, "refuses a connect"},
		{"an event has no data", `2`, "no array"},
		{"an event has an id and no data", `21`, "no array"},
		{"an event has an object", `2{}`, "no array"},
		{"an event has null", `2null`, "no array"},
		{"an event has half an array", `2["a"`, "no array"},
		{"an event has two arrays", `2["a"]["b"]`, "no array"},
		{"an event has what is no JSON", `2["a",b]`, "no array"},
		{"an event is nested too deeply", `2["a",` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `]`, "no array"},
		{"an event has an empty array", `2[]`, "event has no name"},
		{"a name is a number", `2[1]`, "event has no name"},
		{"a name is null", `2[null]`, "event has no name"},
		{"a name is an array", `2[["a"]]`, "event has no name"},
		{"a name is connect", `2["connect"]`, "name is reserved"},
		{"a name is connect_error", `2["connect_error"]`, "name is reserved"},
		{"a name is disconnect", `2/a,1["disconnect",2]`, "name is reserved"},
		{"a name is disconnecting", `2["disconnecting"]`, "name is reserved"},
		{"a name is newListener", `2["newListener"]`, "name is reserved"},
		{"a name is removeListener", `2["removeListener"]`, "name is reserved"},
		{"a reserved name is escaped", `2["\u0063onnect"]`, "name is reserved"},
		{"a reserved name has attachments", `51-["connect",{"_placeholder":true,"num":0}]`, "name is reserved"},
		{"an id is negative", `2-1["a"]`, "no array"},
		{"an id has a fraction", `21.5["a"]`, "no array"},
		{"an id is of other digits than ASCII's", `2٣["a"]`, "no array"},
		{"an id has 16 digits", `21000000000000000["a"]`, "too many digits"},
		{"an id is above 2^64", `318446744073709551616[]`, "too many digits"},
		{"an ack has no id", `3[]`, "ack has no id"},
		{"an ack has no data", `31`, "no array"},
		{"an ack has an object", `31{}`, "no array"},
		{"the number of attachments is missing", `5["a",{"_placeholder":true,"num":0}]`, "number of attachments is missing"},
		{"the number of attachments has no digits", `5-["a"]`, "number of attachments is missing"},
		{"the number of attachments has no end", `51["a",{"_placeholder":true,"num":0}]`, "number of attachments is missing"},
		{"the number of attachments follows the namespace", `5/a,1-["a",{"_placeholder":true,"num":0}]`, "number of attachments is missing"},
		{"the number of attachments has 16 digits", `50000000000000001-["a",{"_placeholder":true,"num":0}]`, "too many digits"},
		{"there are no attachments", `50-["a"]`, "no attachments"},
		{"there is an attachment too many", `54-["a"]`, "too many attachments"},
		{"other types have no attachments", `21-["a",{"_placeholder":true,"num":0}]`, "no array"},
		{"an event with attachments has no data", `51-`, "no array"},
		{"an ack with attachments has no id", `61-[{"_placeholder":true,"num":0}]`, "ack has no id"},
		{"a name is an attachment", `51-[{"_placeholder":true,"num":0}]`, "event has no name"},
		{"an attachment has no placeholder", `51-["a"]`, "attachment has no placeholder"},
		{"the second attachment has none", `52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, "attachment has no placeholder"},
		{"a placeholder's number is out of range", `51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "placeholder has no attachment"},
		{"a placeholder's number is negative", `51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":-1}]`, "placeholder has no attachment"},
		{"a placeholder's number is a fraction", `51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0.5}]`, "placeholder has no attachment"},
		{"a placeholder's number is a string", `51-["a",{"_placeholder":true,"num":"0"}]`, "attachment has no placeholder"},
		{"a placeholder has no number", `51-["a",{"_placeholder":true,"num":0},{"_placeholder":true}]`, "placeholder has no attachment"},
		{"a placeholder's number is an array", `51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":[]}]`, "placeholder has no attachment"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := decode(t, tt.text)
			if p != nil || !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("%.100q is %+v, %v, want an error: %s", tt.text, p, err, tt.reason)
			}
		})
	}
}

func TestMessagesOutOfTurnBreakTheProtocol(t *testing.T) {
	const oneAttachment = `51-["a",{"_placeholder":true,"num":0}]`
	const twoAttachments = `52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	tests := []struct {
		name     string
		messages []string // binary ones begin with b
		reason   string
	}{
		{"no attachment is awaited", []string{"b1"}, "no attachment is awaited"},
		{"no attachment is awaited after an event", []string{`2["a"]`, "b1"}, "no attachment is awaited"},
		{"an attachment too many comes", []string{twoAttachments, "b1", "b2", "b3"}, "no attachment is awaited"},
		{"a text comes for the first attachment", []string{twoAttachments, `2["a"]`}, "an attachment is awaited"},
		{"a text comes for the second attachment", []string{twoAttachments, "b1", `1`}, "an attachment is awaited"},
		{"an attachment is too big", []string{twoAttachments, "b123456789"}, "attachments are too big"},
		{"what one packet left is none of the next's", []string{oneAttachment, "b1", oneAttachment, "b123456789"}, "attachments are too big"},
		{"attachments are together too big", []string{twoAttachments, "b1234", "b56789"}, "attachments are too big"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &Decoder{Limits: testLimits}
			var p *Packet
			var err error
			for i, message := range tt.messages {
				if err != nil {
					t.Fatalf("%q was refused: %v", tt.messages[i-1], err)
				}
				p, err = take(d, message)
			}
			if p != nil || !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("got %+v, %v, want an error: %s", p, err, tt.reason)
			}
		})
	}
}

// take passes a message on, as a binary one where it begins with b.
func take(d *Decoder, message string) (*Packet, error) {
	if data, binary := strings.CutPrefix(message, "b"); binary {
		return d.Binary([]byte(data))
	}
	return d.Text([]byte(message))
}

func TestPacketsFollowOneAnother(t *testing.T) {
	d := &Decoder{Limits: testLimits}
	for range 3 { // the limits are a packet's
		for i, message := range []string{`52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`, "b1234", "b5678", `2["b"]`} {
			p, err := take(d, message)
			if err != nil || (p != nil) != (i >= 2) {
				t.Fatalf("%q: %+v, %v", message, p, err)
			}
		}
	}
}

func TestADecoderWithoutLimitsTakesNoAttachments(t *testing.T) {
	var d Decoder
	if p, err := d.Text([]byte(`2["a"]`)); err != nil || p.Name != "a" {
		t.Errorf("an event is %+v, %v", p, err)
	}
	if _, err := d.Text([]byte(`51-["a",{"_placeholder":true,"num":0}]`)); !errors.Is(err, ErrProtocol) {
		t.Errorf("an attachment: %v", err)
	}
}

func TestWhatOnlyServersSend(t *testing.T) {
	tests := []struct {
		name string
		p    Packet
		want string
	}{
		{"a refusal is an object", Packet{Type: ConnectError, Namespace: "/a", Data: json.RawMessage(`{"message":"no"}`)}, `4/a,{"message":"no"}`},
		{"a refusal of revision 4 is a string", Packet{Type: ConnectError, Namespace: "/", Data: json.RawMessage(`"no"`)}, `4"no"`},
		{"an id is above what clients may send", Packet{Type: Ack, Namespace: "/", ID: new(^uint64(0))}, `318446744073709551615[]`},
		{"many attachments", Packet{Type: Event, Namespace: "/", Name: "a", Attachments: make([][]byte, 12)}, `512-["a"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(tt.p.AppendText(nil)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestASCII(t *testing.T) {
	for text, want := range map[string]string{
		``:                     ``,
		"{\"a\\u00e9\x7f\":1}": "{\"a\\u00e9\x7f\":1}",
		`2/a,1["é","\\é"]`:     `2/a,1["\u00e9","\\\u00e9"]`,
		"\"\u0080\uffff\"":     `"\u0080\uffff"`,
		"\"😀\U0010ffff\"":      `"\ud83d\ude00\udbff\udfff"`,
		"\"a\xff\"":            `"a\ufffd"`,
	} {
		if got := ASCII([]byte(text)); string(got) != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	text := []byte(`["a"]`)
	if got := ASCII(text); &got[0] != &text[0] {
		t.Error("an ASCII text is copied")
	}
}
