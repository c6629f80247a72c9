package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

// newMessage makes an OP_MSG with these flags and a body of so many bytes.
func newMessage(flags uint32, body ...byte) message {
	m := make(message, headerLen+4, headerLen+4+len(body))
	m = append(m, body...)
	binary.LittleEndian.PutUint32(m, uint32(len(m)))
	binary.LittleEndian.PutUint32(m[12:], opMsg)
	binary.LittleEndian.PutUint32(m[headerLen:], flags)
	return m
}

// newHeader makes a header that announces n bytes.
func newHeader(n uint32) []byte {
	return binary.LittleEndian.AppendUint32(nil, n)
}

func TestReadMessage(t *testing.T) {
	first, second := newMessage(0, 'a'), newMessage(flagMoreToCome, bytes.Repeat([]byte{'b'}, 1<<20)...)
	stream := bytes.NewReader(append(bytes.Clone(first), second...))
	for _, want := range []message{first, second} {
		if got, err := readMessage(stream); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("got %d bytes and %v, want %d bytes", len(got), err, len(want))
		}
	}
	if _, err := readMessage(stream); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
}

func TestReadMessageRefuses(t *testing.T) {
	rest := make([]byte, 12)
	tests := map[string][]byte{
		"a cut header":       {1, 2, 3},
		"a cut body":         newMessage(0, 'a')[:headerLen+2],
		"no body":            newMessage(0, 'a')[:headerLen],
		"a length below 16":  append(newHeader(headerLen-1), rest...),
		"a length above max": append(newHeader(maxMessageLen+1), rest...),
		"a negative length":  append(newHeader(1<<31), rest...),
	}
	for name, stream := range tests {
		t.Run(name, func(t *testing.T) {
			if m, err := readMessage(bytes.NewReader(stream)); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("got %d bytes and error %v", len(m), err)
			}
		})
	}
}

func TestFlags(t *testing.T) {
	m := newMessage(flagMoreToCome|flagExhaustAllowed|1, 'a')
	if m.clearFlags(flagMoreToCome); m.flags() != flagExhaustAllowed|1 {
		t.Errorf("flags are %x", m.flags())
	}
	query := newMessage(flagMoreToCome)
	binary.LittleEndian.PutUint32(query[12:], 2004)
	before := bytes.Clone(query)
	if query.clearFlags(flagMoreToCome); query.flags() != 0 || !bytes.Equal(query, before) {
		t.Error("bits of a message that is no OP_MSG are taken for its flags")
	}
}
