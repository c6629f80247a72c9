package socketio

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever messages come, the decoder keeps its limits, and what it takes encodes to a text that decodes to the same.
func FuzzDecoder(f *testing.F) {
	for _, seed := range []string{
		"", "0", "0/custom", "0/admin?token=1,{}", `0{"token":"x"}`, "1", "1/a,", `2["a"]`, `20["a",{"b":[1e400,null]}]`, `3/a,12[ "\ud800" , [] ]`,
		`4{"message":"no"}`, `2["a"]` + "\n" + `2["b"]`, `2["connect"]`, "2[\"\xff\"]", `2999999999999999["é"]`, "b1", "61-0[]\nb1",
		`52-["a",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]` + "\nb1234\nb5678\n" + `2["b"]`,
		`61-7[{"_placeholder":true,"num":0}]` + "\nb123456789", `51-/x,["a",{"_placeholder":true,"num":0}]` + "\nb\nb",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, script string) {
		d := &Decoder{Limits: testLimits}
		for message := range strings.SplitSeq(script, "\n") {
			p, err := take(d, message)
			if err != nil {
				if p != nil || !errors.Is(err, ErrProtocol) {
					t.Fatalf("%q is %+v, %v", message, p, err)
				}
				return
			}
			if (p == nil) != (d.partial != nil) {
				t.Fatalf("%q makes %+v while %+v is awaited", message, p, d.partial)
			}
			if p == nil {
				requireWithinLimits(t, d.partial)
				continue
			}
			requireWithinLimits(t, p)
			requirePlausible(t, p)
			requireDecodesAgain(t, p)
		}
	})
}

func requireWithinLimits(t *testing.T, p *Packet) {
	t.Helper()
	if bytes := len(slices.Concat(p.Attachments...)); len(p.Attachments) > testLimits.Attachments || bytes > testLimits.AttachmentBytes {
		t.Fatalf("%+v has %d attachments, %d bytes", p, len(p.Attachments), bytes)
	}
	if len(p.Namespace) > maxNamespace || !strings.HasPrefix(p.Namespace, "/") || strings.ContainsAny(p.Namespace, ",?") {
		t.Fatalf("the namespace is %q", p.Namespace)
	}
}

func requirePlausible(t *testing.T, p *Packet) {
	t.Helper()
	hasArgs := p.Type == Event || p.Type == Ack
	switch {
	case p.Type > Ack,
		hasArgs != (p.Args != nil),
		p.Data != nil && (p.Type != Connect || !json.Valid(p.Data)),
		p.Type != Event && p.Name != "",
		slices.Contains(reserved, p.Name),
		!hasArgs && (p.ID != nil || p.Attachments != nil),
		p.Type == Ack && p.ID == nil:
		t.Fatalf("%+v is taken", p)
	}
	for _, arg := range p.Args {
		if !json.Valid(arg) || !utf8.Valid(arg) {
			t.Fatalf("%q is taken as an argument", arg)
		}
	}
}

func requireDecodesAgain(t *testing.T, p *Packet) {
	t.Helper()
	text := string(p.AppendText(nil))
	attachments := make([]string, len(p.Attachments))
	for i, data := range p.Attachments {
		attachments[i] = string(data)
	}
	again, err := decode(t, text, attachments...)
	if err != nil || !reflect.DeepEqual(again, p) {
		t.Fatalf("%+v is encoded as %q, and that is %+v, %v", p, text, again, err)
	}
}

// An escaped text is ASCII, and where it was JSON it means the same.
func FuzzASCII(f *testing.F) {
	for _, seed := range []string{"", `"a"`, `["é","\\é","\ud83d",{"ключ":"😀"}]`, "\"\xff\xed\xa0\x80\"", "\"\u2028\u0080\"", `"\é"`, "é"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		escaped := ASCII(text)
		if slices.ContainsFunc(escaped, func(c byte) bool { return c >= utf8.RuneSelf }) {
			t.Fatalf("%q is escaped as %q", text, escaped)
		}
		var was, is any
		if json.Unmarshal(text, &was) != nil {
			return
		}
		if err := json.Unmarshal(escaped, &is); err != nil || !reflect.DeepEqual(was, is) {
			t.Fatalf("%q is %v; escaped as %q it is %v, %v", text, was, escaped, is, err)
		}
	})
}
