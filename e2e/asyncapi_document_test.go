package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestProtocolIsAsyncAPI3(t *testing.T) {
	p := theProtocol(t)
	if p.AsyncAPI != "3.0.0" || p.Info.Title == "" || p.Info.Version == "" || p.DefaultContentType != "application/json" {
		t.Fatalf("AsyncAPI %s, %s %s of %s", p.AsyncAPI, p.Info.Title, p.Info.Version, p.DefaultContentType)
	}
	for _, pointer := range refs(p.tree) {
		if resolve(p.tree, pointer) == nil {
			t.Errorf("%s points to nothing", pointer)
		}
	}
	for name, o := range p.Operations {
		if o.Action != "send" && o.Action != "receive" || o.Summary == "" || len(o.Messages) == 0 || o.Channel.Ref != "#/channels/socket" {
			t.Errorf("operation %s is %+v", name, o)
		}
		if o.Action == "receive" && (names(o.Messages)[0] != name || !slices.Contains(names(o.Reply.Messages), "error")) {
			t.Errorf("operation %s takes %v and is answered by %v", name, names(o.Messages), names(o.Reply.Messages))
		}
		for _, m := range slices.Concat(o.Messages, o.Reply.Messages) {
			if !strings.HasPrefix(m.Ref, "#/channels/socket/messages/") {
				t.Errorf("operation %s: %s is no message of the channel", name, m.Ref)
			}
		}
	}
}

func TestEachMessageOfTheProtocolIsOfUseAndHasExamplesThatFitItAlone(t *testing.T) {
	p := theProtocol(t)
	channel := p.Channels["socket"]
	used := slices.Concat(p.commands, p.events)
	for _, answers := range p.answers {
		used = append(used, answers...)
	}
	for _, name := range p.documented() {
		m := p.Components.Messages[name]
		if channel.Messages[name].name() != name || !slices.Contains(used, name) || m.Name == "" || m.Title == "" || len(m.Examples) == 0 {
			t.Errorf("%s is not in the channel, in no operation, or lacks a name, a title or an example", name)
		}
		for i, example := range m.Examples {
			text, err := json.Marshal(example.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if fits, err := p.message(text, p.documented()); fits != name {
				t.Errorf("example %d of %s is %s: %v", i, name, fits, err)
			}
			var h head
			if err := json.Unmarshal(text, &h); err != nil || h.Type != m.Name {
				t.Errorf("example %d of %s has the type %s, and its name is %s", i, name, h.Type, m.Name)
			}
		}
	}
}

// refs returns all pointers of the tree.
func refs(tree any) []string {
	var found []string
	switch v := tree.(type) {
	case map[string]any:
		for key, value := range v {
			if pointer, ok := value.(string); ok && key == "$ref" {
				found = append(found, pointer)
			}
			found = append(found, refs(value)...)
		}
	case []any:
		for _, value := range v {
			found = append(found, refs(value)...)
		}
	}
	return found
}

// resolve returns what a pointer points to, nil where that is nothing. On its way it follows others.
func resolve(tree any, pointer string) any {
	at := tree
	for key := range strings.SplitSeq(strings.TrimPrefix(pointer, "#/"), "/") {
		object, _ := at.(map[string]any)
		at = object[key]
		if next, ok := at.(map[string]any); ok {
			if further, ok := next["$ref"].(string); ok {
				at = resolve(tree, further)
			}
		}
	}
	return at
}

// Codes of realtime-svc that no frame bears: of handshakes, which openapi.yaml has, and of sockets that are gone.
var unframed = []string{"upgrade_required", "bad_handshake", "origin_not_allowed", "too_many_handshakes", "socket_ended"}

func TestEveryErrorCodeOfTheGatewayIsInTheProtocol(t *testing.T) {
	p := theProtocol(t)
	listed, ok := resolve(p.tree, "#/components/messages/error/payload/properties/code/enum").([]any)
	if !ok {
		t.Fatal("the error's codes are not listed")
	}
	for _, code := range listed {
		if !strings.Contains(p.Components.Messages["error"].Description, "`"+code.(string)+"`") {
			t.Errorf("the error's description leaves out %s", code)
		}
	}
	overSocketIO, err := os.ReadFile("../docs/socketio.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../realtime-svc/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range newFault.FindAllStringSubmatch(string(source), -1) {
			told := slices.Contains(unframed, code[1]) || slices.Contains(listed, any(code[1])) || strings.Contains(string(overSocketIO), "`"+code[1]+"`")
			if !strings.HasSuffix(file, "_test.go") && !told {
				t.Errorf("%s: the protocol says nothing of %s", file, code[1])
			}
		}
	}
}

var (
	ending     = regexp.MustCompile(`&ending\{code: (\d+), reason: "(\w+)"`)
	endingLine = regexp.MustCompile(`(?m)^\| (\d{4}) \| ([^|]+) \| (?:yes|no)`)
)

// The document, the prose and the source have the same close codes, but for those that no server sends: 1000 answers a client's own, and
// 1006 is the lack of a code. A frame that is too big is refused by the WebSocket itself, without a reason.
func TestCloseCodesAreThoseOfTheSourceAndOfTheProse(t *testing.T) {
	var documented, written, told []string
	for _, c := range theProtocol(t).Channels["socket"].CloseCodes {
		if retry := c.Code == 1012 || c.Code == 1013 || c.Code >= 4000 && c.Code < 4500; c.Reconnect != retry || c.Description == "" {
			t.Errorf("%+v is against the rule, or not explained", c)
		}
		documented = append(documented, strconv.Itoa(c.Code)+" "+c.Reason)
	}
	for _, e := range matches(t, "../realtime-svc/closecodes.go", ending) {
		if e[1] != "1000" && e[1] != "1006" {
			written = append(written, e[1]+" "+strings.Replace(e[2], "frame_too_big", "", 1))
		}
	}
	for _, e := range matches(t, "../docs/protocol.md", endingLine) {
		for reason := range strings.SplitSeq(e[2], ", ") {
			told = append(told, e[1]+" "+strings.Trim(strings.Replace(reason, "(none)", "", 1), "`"))
		}
	}
	for _, list := range [][]string{documented, written, told} {
		slices.Sort(list)
	}
	if !slices.Equal(documented, written) || !slices.Equal(documented, told) {
		t.Errorf("asyncapi.yaml has %q\nclosecodes.go has %q\nprotocol.md has %q", documented, written, told)
	}
}

func matches(t *testing.T, file string, pattern *regexp.Regexp) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return pattern.FindAllStringSubmatch(string(text), -1)
}
