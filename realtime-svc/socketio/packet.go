// Package socketio serves Socket.IO, the protocol's revisions 5 and 4, over Engine.IO sessions. Facts:
// https://github.com/socketio/socket.io-protocol.
package socketio

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Type is what a packet is for. Its values are the digits of https://github.com/socketio/socket.io-protocol, but for 5 and 6: they are
// those of Event and Ack with attachments.
type Type byte

const (
	Connect      Type = iota // to a namespace, or that this is done
	Disconnect               // from a namespace
	Event                    // has a name and arguments
	Ack                      // answers the event that wanted it
	ConnectError             // refuses a Connect; only servers send it
)

const (
	withAttachments = 3 // what they add to the digit of an Event or Ack
	lastDigit       = '0' + byte(Ack) + withAttachments
)

// Packet is the unit of the protocol.
type Packet struct {
	Type        Type
	Namespace   string            // begins with a slash; "/" is the main one
	ID          *uint64           // of the ack that an Event wants or an Ack is; nil: none is wanted
	Data        json.RawMessage   // of Connect and ConnectError; nil: none
	Name        string            // of an Event
	Args        []json.RawMessage // of Event and Ack
	Attachments [][]byte          // that placeholders in Args stand for, {"_placeholder":true,"num":0} for the first
}

// AppendText appends the packet's text. Its attachments follow that as binary messages of their own.
func (p *Packet) AppendText(b []byte) []byte {
	digit := '0' + byte(p.Type)
	if n := len(p.Attachments); n > 0 {
		b = append(strconv.AppendInt(append(b, digit+withAttachments), int64(n), 10), '-')
	} else {
		b = append(b, digit)
	}
	if p.Namespace != "/" {
		b = append(append(b, p.Namespace...), ',')
	}
	if p.ID != nil {
		b = strconv.AppendUint(b, *p.ID, 10)
	}
	switch p.Type {
	case Event:
		name, _ := json.Marshal(p.Name) // a string always encodes
		return appendArray(b, append([]json.RawMessage{name}, p.Args...))
	case Ack:
		return appendArray(b, p.Args)
	default:
		return append(b, p.Data...)
	}
}

func appendArray(b []byte, items []json.RawMessage) []byte {
	b = append(b, '[')
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, item...)
	}
	return append(b, ']')
}

// ASCII escapes what is not ASCII in a JSON text, also in the text of a packet whose namespace is ASCII. It returns the text itself where
// there is nothing to escape. Clients of revision 4 read a polled text's bytes as characters.
func ASCII(text []byte) []byte {
	if !slices.ContainsFunc(text, func(c byte) bool { return c >= utf8.RuneSelf }) {
		return text
	}
	b := make([]byte, 0, 2*len(text)) // two bytes of UTF-8 become six
	for _, r := range string(text) {
		if r < utf8.RuneSelf {
			b = append(b, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			b = fmt.Appendf(b, `\u%04x`, unit)
		}
	}
	return b
}
