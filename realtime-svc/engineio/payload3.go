package engineio

import (
	"bytes"
	"encoding/base64"
	"mime"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// payload3 writes the length of each packet in front of it. Clients that cannot take binary bodies ask for base64.
type payload3 struct{ base64 bool }

const (
	octets      = "application/octet-stream"
	lengthEnd   = 255
	lengthMost  = 10 // digits
	textPacket  = 0
	bytesPacket = 1
)

func (c payload3) encode(packets []packet) ([]byte, string) {
	if !c.base64 {
		for _, p := range packets {
			// Of a text body old clients would read each byte as a character.
			if p.Binary || !ascii(p.Data) {
				return encodeOctets(packets), octets
			}
		}
	}
	var body []byte
	for _, p := range packets {
		text := append([]byte{p.kind}, p.Data...)
		if p.Binary {
			text = base64.StdEncoding.AppendEncode([]byte("b4"), p.Data)
		}
		body = append(strconv.AppendInt(body, int64(characters(text)), 10), ':')
		body = append(body, text...)
	}
	return body, plainText
}

// encodeOctets writes the form for XMLHttpRequest 2: the digits of a length are a byte each.
func encodeOctets(packets []packet) []byte {
	var body []byte
	for _, p := range packets {
		form, kind := byte(textPacket), p.kind
		if p.Binary {
			form, kind = bytesPacket, kindMessage-'0'
		}
		body = append(body, form)
		for _, digit := range strconv.Itoa(len(p.Data) + 1) {
			body = append(body, byte(digit-'0'))
		}
		body = append(append(body, lengthEnd, kind), p.Data...)
	}
	return body
}

func (c payload3) decode(body []byte, contentType string) ([]packet, error) {
	next := nextText
	if kind, _, _ := mime.ParseMediaType(contentType); kind == octets {
		next = nextOctets
	}
	var packets []packet
	for len(body) > 0 {
		p, rest, err := next(body)
		if err != nil {
			return nil, err
		}
		packets, body = append(packets, p), rest
	}
	if len(packets) == 0 {
		return nil, errPacket
	}
	return packets, nil
}

func nextText(body []byte) (p packet, rest []byte, err error) {
	digits, rest, found := bytes.Cut(body, []byte(":"))
	length, err := strconv.ParseUint(string(digits), 10, 31)
	if !found || err != nil {
		return packet{}, nil, errPacket
	}
	end := cut(rest, int(length))
	if end < 0 {
		return packet{}, nil, errPacket
	}
	p, err = parseEncoded(once(rest[:end]), len("b4"))
	return p, rest[end:], err
}

func nextOctets(body []byte) (p packet, rest []byte, err error) {
	end := bytes.IndexByte(body, lengthEnd)
	if end < 2 || end > 1+lengthMost {
		return packet{}, nil, errPacket
	}
	length := 0
	for _, digit := range body[1:end] {
		if digit > 9 {
			return packet{}, nil, errPacket
		}
		length = 10*length + int(digit)
	}
	rest = body[end+1:]
	if length == 0 || length > len(rest) {
		return packet{}, nil, errPacket
	}
	data, rest := rest[:length], rest[length:]
	switch {
	case body[0] == textPacket:
		p, err = parsePacket(data)
	case body[0] == bytesPacket && data[0] == kindMessage-'0':
		p = messagePacket(Message{Data: data[1:], Binary: true})
	default:
		err = errPacket
	}
	return p, rest, err
}

// characters is the length that JavaScript gives a text.
func characters(text []byte) (n int) {
	for _, r := range string(text) {
		n += utf16.RuneLen(r)
	}
	return n
}

// cut returns how many bytes of the text are so many characters, and -1 where there are not so many.
func cut(text []byte, length int) int {
	at := 0
	for length > 0 && at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		length -= utf16.RuneLen(r)
		at += size
	}
	if length != 0 {
		return -1
	}
	return at
}

// once undoes that clients 1.x encode text as UTF-8 twice, where those of 2.x, which say the same of themselves, do it once: characters that are all
// bytes of valid UTF-8 are nearly never what somebody has typed.
func once(text []byte) []byte {
	if ascii(text) {
		return text
	}
	decoded := make([]byte, 0, len(text))
	for _, r := range string(text) {
		if r > 0xff {
			return text
		}
		decoded = append(decoded, byte(r))
	}
	if !utf8.Valid(decoded) {
		return text
	}
	return decoded
}
