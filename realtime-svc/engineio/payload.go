package engineio

import (
	"bytes"
	"encoding/base64"
	"slices"
)

const separator = 0x1e

// codec is how a revision of the protocol puts packets into the body of a request, and back.
type codec interface {
	encode(packets []packet) (body []byte, contentType string)
	decode(body []byte, contentType string) ([]packet, error)
}

const plainText = "text/plain; charset=UTF-8"

// payload4 joins packets by a separator, binary ones in base64.
type payload4 struct{}

func (payload4) encode(packets []packet) ([]byte, string) {
	var body []byte
	for i, p := range packets {
		if i > 0 {
			body = append(body, separator)
		}
		if p.Binary {
			body = base64.StdEncoding.AppendEncode(append(body, 'b'), p.Data)
			continue
		}
		body = append(append(body, p.kind), p.Data...)
	}
	return body, plainText
}

func (payload4) decode(body []byte, _ string) ([]packet, error) {
	var packets []packet
	for text := range bytes.SplitSeq(body, []byte{separator}) {
		p, err := parseEncoded(text, len("b"))
		if err != nil {
			return nil, err
		}
		packets = append(packets, p)
	}
	return packets, nil
}

// parseEncoded reads a packet, or a message in base64 behind a prefix of so many bytes that begins with b.
func parseEncoded(text []byte, prefix int) (packet, error) {
	if len(text) < prefix || text[0] != 'b' {
		return parsePacket(text)
	}
	data, err := base64.StdEncoding.AppendDecode(nil, text[prefix:])
	if err != nil || prefix == len("b4") && text[1] != kindMessage {
		return packet{}, errPacket
	}
	return messagePacket(Message{Data: data, Binary: true}), nil
}

func ascii(data []byte) bool {
	return !slices.ContainsFunc(data, func(c byte) bool { return c >= 0x80 })
}
