package realtime

import (
	"encoding/json"

	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/realtime-svc/socketio"
)

// The tutorial's events. They have a conversation's id as their only argument.
const (
	cmdEnter = "enter conversation"
	cmdExit  = "leave conversation"
	cmdNew   = "new message" // its sender says so; who entered is told once it is stored, whatever the sender says
)

var errAttachment = fault.New(fault.Invalid, "binary_event", "No event takes binary data.")

// decodeSocketIO reads a command from an event. The native commands have the same names and fields; an id is the ack's.
func decodeSocketIO(p *socketio.Packet, revision int) (command, error) {
	c, err := argument(p, revision)
	if p.ID != nil {
		c.id = p.ID
	}
	if len(p.Attachments) > 0 {
		return c, errAttachment
	}
	return c, err
}

func argument(p *socketio.Packet, revision int) (command, error) {
	var data json.RawMessage
	if len(p.Args) > 0 {
		data = p.Args[0]
	}
	switch p.Name {
	case cmdEnter, cmdExit, cmdNew:
		c := command{name: p.Name, encoder: refresh{socketIO{revision: revision}}}
		_ = json.Unmarshal(data, &c.conversation) // what is no text is no id either
		return c, check.ID("conversation", c.conversation)
	}
	if data == nil {
		data = json.RawMessage("{}")
	}
	var f nativeFrame
	wrongType, err := f.read(data)
	if err != nil {
		return command{name: p.Name}, err
	}
	c := f.command(p.Name)
	if wrongType != nil {
		return c, wrongType
	}
	err = f.check(&c, data)
	if err == nil && c.name == cmdSend && c.clientMsgID == "" {
		err = fault.BadField("client_msg_id", "A send needs it: clients may repeat an event by themselves, and it is what makes the two one message.")
	}
	return c, err
}
