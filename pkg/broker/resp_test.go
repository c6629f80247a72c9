package broker

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestReadReply(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		err      error
	}{
		{"a status", "+OK\r\n", []string{"OK"}, nil},
		{"a confirmation", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", []string{"subscribe", "c", "1"}, nil},
		{"a message with line ends", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\n\r\n\r\n\r\n", []string{"message", "c", "\r\n\r\n"}, nil},
		{"a missing channel", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n", []string{"unsubscribe", "", "0"}, nil},
		{"an error", "-MOVED 5 127.0.0.1:1\r\n", nil, replyError("MOVED 5 127.0.0.1:1")},
		{"half a message", "*3\r\n$7\r\nmess", nil, io.ErrUnexpectedEOF},
		{"no line", "", nil, io.EOF},
		{"an empty line", "\r\n", nil, errProtocol},
		{"a line without a return", "+OK\n", nil, errProtocol},
		{"an unknown kind", "%1\r\n", nil, errProtocol},
		{"an array in an array", "*1\r\n*0\r\n", nil, errProtocol},
		{"too many elements", "*17\r\n", nil, errProtocol},
		{"a negative number of elements", "*-1\r\n", nil, errProtocol},
		{"too long a string", "$16777217\r\n", nil, errProtocol},
		{"a negative length", "$-2\r\n", nil, errProtocol},
		{"a string longer than its length", "$1\r\nabc", nil, errProtocol},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readReply(bufio.NewReader(strings.NewReader(tt.in)))
			if !errors.Is(err, tt.err) || err == nil && !slices.Equal(stringsOf(got), tt.want) {
				t.Errorf("read %q and %v, want %q and %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func stringsOf(elements [][]byte) []string {
	var s []string
	for _, e := range elements {
		s = append(s, string(e))
	}
	return s
}

func TestMovedSlot(t *testing.T) {
	for text, want := range map[string]int{
		"MOVED 5 127.0.0.1:1": 5, "MOVED five 127.0.0.1:1": -1, "MOVED 5": -1, "ASK 5 127.0.0.1:1": -1, "": -1,
	} {
		slot, ok := movedSlot(replyError(text))
		if ok != (want >= 0) || ok && slot != want {
			t.Errorf("%q: slot %d, %t, want %d", text, slot, ok, want)
		}
	}
	if _, ok := movedSlot(io.EOF); ok {
		t.Error("the end of the connection names a slot")
	}
}

// Whatever comes is read or refused, and what is read again as a command is the same.
func FuzzReadReply(f *testing.F) {
	for _, seed := range []string{
		"+OK\r\n", "-ERR no\r\n", ":1\r\n", "$-1\r\n", "*0\r\n", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		reply, err := readReply(bufio.NewReader(bytes.NewReader(in)))
		if err != nil {
			return
		}
		again, err := readReply(bufio.NewReader(bytes.NewReader(appendCommand(nil, stringsOf(reply)...))))
		if err != nil || !slices.Equal(stringsOf(again), stringsOf(reply)) {
			t.Errorf("read %q, then %q and %v", reply, again, err)
		}
	})
}
