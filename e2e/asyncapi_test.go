package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// The part of AsyncAPI 3.0 that the document uses. It is read strictly: what stands where AsyncAPI does not have it is an error.
type (
	asyncAPI struct {
		AsyncAPI string `yaml:"asyncapi"`
		Info     struct {
			Title, Version, Description string
			License                     struct{ Name, URL string }
		}
		DefaultContentType string `yaml:"defaultContentType"`
		Servers            map[string]struct {
			Host, Protocol, Description string
			Security                    []ref
		}
		Channels   map[string]asyncChannel
		Operations map[string]asyncOperation
		Components struct {
			SecuritySchemes map[string]struct {
				Type, Scheme, In, Name, Description string
				BearerFormat                        string `yaml:"bearerFormat"`
			} `yaml:"securitySchemes"`
			Messages map[string]asyncMessage
			Schemas  map[string]any
		}
	}
	asyncChannel struct {
		Address, Title, Description string
		Messages                    map[string]ref
		Bindings                    map[string]any
		CloseCodes                  []closeCode `yaml:"x-close-codes"`
	}
	asyncOperation struct {
		Action, Summary, Description string
		Channel                      ref
		Messages                     []ref
		Reply                        struct{ Messages []ref }
	}
	asyncMessage struct {
		Name, Title, Description string
		Payload                  any
		Examples                 []struct {
			Name    string
			Payload any
		}
	}
	closeCode struct {
		Code                int
		Reason, Description string
		Reconnect           bool
	}
	ref struct {
		Ref string `yaml:"$ref"`
	}
)

// name returns the last part of what it points to.
func (r ref) name() string { return path.Base(r.Ref) }

func names(refs []ref) []string {
	list := make([]string, len(refs))
	for i, r := range refs {
		list[i] = r.name()
	}
	return list
}

// protocol is docs/api/asyncapi.yaml.
type protocol struct {
	asyncAPI
	tree     any                           // all of it
	schemas  map[string]*jsonschema.Schema // of each message's payload
	commands []string                      // the messages that clients send
	events   []string                      // those that come unasked
	answers  map[string][]string           // those that answer a command; "" is a frame that is none
}

var loadProtocol = sync.OnceValues(func() (*protocol, error) {
	text, err := os.ReadFile("../docs/api/asyncapi.yaml")
	if err != nil {
		return nil, err
	}
	p := &protocol{schemas: map[string]*jsonschema.Schema{}, answers: map[string][]string{"": {"error"}}}
	if err := yaml.Load(text, &p.asyncAPI, yaml.WithKnownFields()); err != nil {
		return nil, err
	}
	if err := yaml.Load(text, &p.tree); err != nil {
		return nil, err
	}
	for name, o := range p.Operations {
		if o.Action == "send" {
			p.events = append(p.events, names(o.Messages)...)
			continue
		}
		p.commands = append(p.commands, names(o.Messages)...)
		p.answers[name] = names(o.Reply.Messages)
	}
	return p, p.compile()
})

func theProtocol(t testing.TB) *protocol {
	t.Helper()
	p, err := loadProtocol()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *protocol) compile() error {
	document, err := asJSON(p.tree)
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7) // AsyncAPI's own is a superset of it
	compiler.AssertFormat()
	if err := compiler.AddResource("asyncapi.json", document); err != nil {
		return err
	}
	for name := range p.Components.Messages {
		if p.schemas[name], err = compiler.Compile("asyncapi.json#/components/messages/" + name + "/payload"); err != nil {
			return err
		}
	}
	return nil
}

// asJSON returns a value as JSON has it.
func asJSON(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

// message returns which of the messages a frame is. It returns an error where it is none of them, or more than one.
func (p *protocol) message(data []byte, among []string) (string, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	var fits []string
	var misfits error
	for _, name := range slices.Compact(slices.Sorted(slices.Values(among))) {
		schema := p.schemas[name]
		if schema == nil {
			return "", fmt.Errorf("an operation names %s, which is no message", name)
		}
		if err := schema.Validate(value); err != nil {
			misfits = errors.Join(misfits, fmt.Errorf("it is no %s: %w", name, err))
		} else {
			fits = append(fits, name)
		}
	}
	switch len(fits) {
	case 1:
		return fits[0], nil
	case 0:
		return "", misfits
	default:
		return "", fmt.Errorf("it is all of %v", fits)
	}
}

// head is what tells which documented message a frame may be.
type head struct {
	ID   *int   `json:"id"`
	Type string `json:"type"`
}

// from returns which documented messages a frame of the server may be, where asked holds the types of the commands by their ids. It
// returns an error where the frame is no JSON object, or answers what nobody asked.
func (p *protocol) from(data []byte, asked map[int]string) ([]string, error) {
	var h head
	if err := json.Unmarshal(data, &h); err != nil {
		return nil, err
	}
	if h.ID == nil {
		return p.events, nil
	}
	command, ok := asked[*h.ID]
	if !ok {
		return nil, fmt.Errorf("it answers %d, which was never asked", *h.ID)
	}
	if answers, ok := p.answers[command]; ok {
		return answers, nil
	}
	return p.answers[""], nil
}

// documented returns the messages of the document, in their order.
func (p *protocol) documented() []string { return slices.Sorted(maps.Keys(p.Components.Messages)) }
