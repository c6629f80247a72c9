package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What the gate has to know of MongoDB's wire protocol.
const (
	headerLen     = 16
	maxMessageLen = 48_000_000
	opMsg         = 2013

	flagMoreToCome     = 1 << 1  // request: the client reads no reply; reply: more replies follow
	flagExhaustAllowed = 1 << 16 // the client would take several replies to one request
)

// message is one whole wire message, header included.
type message []byte

// readMessage reads the next message. The error is io.EOF only where the stream ends between two messages.
func readMessage(r io.Reader) (message, error) {
	header := make([]byte, headerLen)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(header)
	if n < headerLen || n > maxMessageLen {
		return nil, fmt.Errorf("message length %d is not between %d and %d", n, headerLen, maxMessageLen)
	}
	m := append(make(message, 0, n), header...)[:n]
	if _, err := io.ReadFull(r, m[headerLen:]); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("message of %d bytes is cut short: %w", n, err)
	}
	return m, nil
}

// flags returns the flag bits of an OP_MSG, 0 for any other message.
func (m message) flags() uint32 {
	if len(m) < headerLen+4 || binary.LittleEndian.Uint32(m[12:]) != opMsg {
		return 0
	}
	return binary.LittleEndian.Uint32(m[headerLen:])
}

// clearFlags clears bits of an OP_MSG in place. A checksum is not mended: no driver sends one and FerretDB checks none.
func (m message) clearFlags(bits uint32) {
	if f := m.flags(); f&bits != 0 {
		binary.LittleEndian.PutUint32(m[headerLen:], f&^bits)
	}
}
