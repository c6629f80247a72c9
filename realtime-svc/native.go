package realtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
)

var (
	errNoJSON      = fault.New(fault.Invalid, "invalid_json", "The frame is no JSON object.")
	errUnknownType = fault.New(fault.Invalid, "unknown_type", "There is no command of this type.")
)

// native is the encoder of /v1/ws.
type native struct{}

func (native) protocol() string { return "native" }

func (native) slot() int { return slotNative }

func (native) event(b *broadcast) frame {
	return frame{kind: b.kind, class: b.class, data: encode(b.body)}
}

func (native) reply(id any, r result) []byte {
	return encode(struct {
		Type string `json:"type"`
		ID   any    `json:"id"`
		result
	}{"reply", id, r})
}

func (native) failure(id any, f *fault.Error) []byte {
	return encode(struct {
		Type string `json:"type"`
		ID   any    `json:"id,omitempty"`
		problem
	}{"error", id, problemOf(f)})
}

// encode writes JSON without a line end. What the hub says always encodes.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// nativeFrame has the fields of all commands; nativeFields says which of them each takes, beside id and type.
type nativeFrame struct {
	ID           json.RawMessage `json:"id"` // an integer where it is given
	Type         string          `json:"type"`
	Conversation string          `json:"conversation"`
	Rev          *int64          `json:"rev"`
	Seq          *int64          `json:"seq"`
	Body         string          `json:"body"`
	ClientMsgID  string          `json:"client_msg_id"`
	Token        string          `json:"token"`
}

var nativeFields = map[string][]string{
	cmdAuth:   {"token"},
	cmdPing:   {},
	cmdJoin:   {"conversation", "rev"},
	cmdLeave:  {"conversation"},
	cmdSend:   {"conversation", "body", "client_msg_id"},
	cmdRead:   {"conversation", "seq"},
	cmdTyping: {"conversation"},
}

// decodeNative reads a command. Its name and id are set beside an error too, where the frame had some that can be read.
func decodeNative(data []byte) (command, error) {
	var f nativeFrame
	wrongType, err := f.read(data)
	if err != nil {
		return command{}, err
	}
	c := f.command(f.Type)
	if f.ID != nil && string(f.ID) != "null" {
		id, err := strconv.ParseInt(string(f.ID), 10, 64)
		if err != nil || check.Seq("id", id) != nil {
			return c, fault.BadField("id", "An id is an integer from 0 to 9007199254740991.")
		}
		c.id = id
	}
	if wrongType == nil {
		wrongType = f.check(&c, data, "id", "type")
	}
	return c, wrongType
}

// read sets all fields that have the right type, and returns which one has not, beside an error where the data is no object.
func (f *nativeFrame) read(data []byte) (wrongType, err error) {
	err = json.Unmarshal(data, f) // a value of the wrong type is passed over, and all others are set
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &wrong) && wrong.Field != "":
		return fault.BadField(wrong.Field, "The value is of the wrong type.").Because(err), nil
	default:
		return nil, errNoJSON.Because(err)
	}
}

func (f *nativeFrame) command(name string) command {
	c := command{name: name, conversation: f.Conversation, rev: f.Rev, body: f.Body, clientMsgID: f.ClientMsgID, token: f.Token}
	if f.Seq != nil {
		c.seq = *f.Seq
	}
	return c
}

// check checks the command that data has the fields of, beside others.
func (f *nativeFrame) check(c *command, data []byte, others ...string) error {
	err := c.checkFields(data, others)
	if err == nil && c.name == cmdRead && f.Seq == nil {
		err = fault.BadField("seq", "The command needs it.")
	}
	return err
}

// checkFields wants a known command, exactly its fields, and values in their ranges. The service that a command goes to checks the rest.
func (c *command) checkFields(data []byte, others []string) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(data, &given); err != nil || given == nil {
		return errNoJSON.Because(err)
	}
	known, ok := nativeFields[c.name]
	if !ok {
		return errUnknownType
	}
	for name := range given {
		if !slices.Contains(others, name) && !slices.Contains(known, name) {
			return fault.New(fault.Invalid, "unknown_field", fmt.Sprintf("The command has no field %.40q.", name))
		}
	}
	if len(known) > 0 && known[0] == "conversation" {
		if err := check.ID("conversation", c.conversation); err != nil {
			return err
		}
	}
	if c.rev != nil {
		return check.Seq("rev", *c.rev)
	}
	return check.All(check.Seq("seq", c.seq), check.OptionalText("body", c.body, chat.MaxBody)) // a body that waits is kept in memory
}
