package realtime

import (
	"encoding/json"
	"fmt"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/realtime-svc/socketio"
)

// socketIO is the encoder of /socket.io/. Its frames are the texts of packets of the main namespace.
type socketIO struct{ revision int } // of the protocol: 4 or 5

func (e socketIO) protocol() string { return fmt.Sprint("socketio", e.revision) }

func (e socketIO) slot() int { return slotSocketIO4 + e.revision - 4 }

func (e socketIO) event(b *broadcast) frame {
	return frame{kind: b.kind, class: b.class, data: e.packet(socketio.Packet{Type: socketio.Event, Name: b.kind}, b.body)}
}

func (e socketIO) reply(id any, r result) []byte {
	return e.packet(socketio.Packet{Type: socketio.Ack, ID: id.(*uint64)}, r)
}

// failure is an ack where one is wanted, and an event else.
func (e socketIO) failure(id any, f *fault.Error) []byte {
	body := problemOf(f)
	if id == nil {
		return e.packet(socketio.Packet{Type: socketio.Event, Name: "error"}, body)
	}
	return e.packet(socketio.Packet{Type: socketio.Ack, ID: id.(*uint64)}, struct {
		Error problem `json:"error"`
	}{body})
}

func (e socketIO) packet(p socketio.Packet, body any) []byte {
	p.Namespace, p.Args = "/", []json.RawMessage{encode(body)}
	text := p.AppendText(nil)
	if e.revision == 4 {
		return socketio.ASCII(text)
	}
	return text
}

// refresh is the encoder of what somebody hears who has entered a conversation as the tutorial's clients do: that there is something to fetch.
type refresh struct{ socketIO }

const refreshMessages = "refresh messages"

func (e refresh) slot() int { return slotRefresh4 + e.revision - 4 }

// event is essential: no later event makes good for one that is left out, and the frame is small.
func (e refresh) event(b *broadcast) frame {
	var id string
	switch body := b.body.(type) {
	case chat.Event:
		id = body.ConversationID
	case resyncEvent:
		id = body.ConversationID
	case chat.InboxEvent:
		id = body.ConversationID
	default:
		return frame{}
	}
	return frame{kind: refreshMessages, class: essential, data: e.packet(socketio.Packet{Type: socketio.Event, Name: refreshMessages}, id)}
}
