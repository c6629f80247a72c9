package realtime

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/fault"
)

// frameOf encodes a command as a client does.
func frameOf(c command) map[string]any {
	values := map[string]any{
		"conversation": c.conversation, "rev": c.rev, "seq": c.seq, "body": c.body, "client_msg_id": c.clientMsgID, "token": c.token,
	}
	frame := map[string]any{"id": c.id, "type": c.name}
	for _, field := range nativeFields[c.name] {
		frame[field] = values[field]
	}
	return frame
}

func decodeFrame(t *testing.T, frame map[string]any) (command, error) {
	data, err := json.Marshal(frame)
	if err != nil {
		t.Fatal(err)
	}
	return decodeNative(data)
}

// What the decoder takes has no more in it than the command's own fields: it encodes to a frame that decodes to the same command, and
// any further field, also one of another command or of another case, makes it a frame that is refused.
func FuzzCommandsEncodeBack(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"type":"join","conversation":"c","rev":57}`, `{"type":"join","conversation":"c","rev":null}`,
		`{"id":2,"type":"send","conversation":"c","body":"h\u00e9\ud800","client_msg_id":"a"}`, `{"id":0,"type":"read","conversation":"c","seq":3}`,
		`{"type":"auth","token":"x"}`, `{"id":null,"type":"ping"}`, `{"type":"leave","conversation":"c","conversation":"d"}`,
		`{"type":"typing","Conversation":"c"}`,
	} {
		f.Add([]byte(seed), "x")
	}
	f.Add([]byte(`{"type":"ping"}`), "TYPE")
	f.Fuzz(func(t *testing.T, data []byte, extra string) {
		c, err := decodeNative(data)
		if err != nil {
			return
		}
		again, err := decodeFrame(t, frameOf(c))
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%q is %+v, and encoded it is %+v, %v", data, c, again, err)
		}
		var given map[string]any
		if err := json.Unmarshal(data, &given); err != nil {
			t.Fatalf("%q is taken: %v", data, err)
		}
		requireSame(t, given, frameOf(c))
		for _, further := range []string{extra, "rev", "seq", "body", "token", "client_msg_id", "conversation", strings.ToUpper(c.name), "Type"} {
			if further == "id" || further == "type" || slices.Contains(nativeFields[c.name], further) {
				continue
			}
			frame := frameOf(c)
			frame[further] = nil
			if _, err := decodeFrame(t, frame); err == nil || fault.From(err).Code != "unknown_field" {
				t.Fatalf("%+v with a field %q: %v", c, further, err)
			}
		}
	})
}

// requireSame wants each value that a client gave to be in the frame of the command that was read.
func requireSame(t *testing.T, given, frame map[string]any) {
	t.Helper()
	data, err := json.Marshal(frame)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	for name, value := range given {
		if value != nil && !reflect.DeepEqual(read[name], value) {
			t.Fatalf("%q is %v, and read as %v", name, value, read[name])
		}
	}
}
