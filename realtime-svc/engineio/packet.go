package engineio

import (
	"errors"
	"unicode/utf8"
)

// Message is what the two ends tell each other.
type Message struct {
	Data   []byte // is not changed once it is sent
	Binary bool   // else it is UTF-8
}

// packet is the unit of the protocol. Its kinds are the digits of https://github.com/socketio/engine.io-protocol.
type packet struct {
	kind byte
	Message
}

const (
	kindOpen    = '0'
	kindClose   = '1'
	kindPing    = '2'
	kindPong    = '3'
	kindMessage = '4'
	kindUpgrade = '5'
	kindNoop    = '6'
)

const probe = "probe" // what the ping and pong say that try a WebSocket

var errPacket = errors.New("a packet is malformed")

func control(kind byte, data string) packet { return packet{kind, Message{Data: []byte(data)}} }

func messagePacket(m Message) packet { return packet{kindMessage, m} }

// parsePacket reads a packet in its text form.
func parsePacket(text []byte) (packet, error) {
	if len(text) == 0 || text[0] < kindOpen || text[0] > kindNoop || !utf8.Valid(text) {
		return packet{}, errPacket
	}
	return packet{text[0], Message{Data: text[1:]}}, nil
}

func (p packet) is(kind byte, data string) bool {
	return p.kind == kind && !p.Binary && string(p.Data) == data
}

// size is about what the packet takes on the wire.
func (p packet) size() int { return len(p.Data) + 1 }
