package broker

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The part of Redis's protocol, RESP2, that a subscribed connection speaks. See https://redis.io/docs/latest/develop/reference/protocol-spec.

// Bounds of a reply. A longer one breaks the connection.
const (
	maxElements = 16
	maxBulk     = 16 << 20 // bytes
)

var errProtocol = errors.New("not a reply of Redis")

// replyError is an error that Redis answers, like "MOVED 3999 127.0.0.1:6381".
type replyError string

func (e replyError) Error() string { return string(e) }

// movedSlot returns the slot that a node says it does not have.
func movedSlot(err error) (slot int, ok bool) {
	refused, _ := errors.AsType[replyError](err)
	fields := strings.Fields(string(refused))
	if len(fields) != 3 || fields[0] != "MOVED" {
		return 0, false
	}
	slot, err = strconv.Atoi(fields[1])
	return slot, err == nil
}

// appendCommand appends a command to b.
func appendCommand(b []byte, args ...string) []byte {
	b = fmt.Appendf(b, "*%d\r\n", len(args))
	for _, arg := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b
}

// readReply returns an array's elements, or a single value as one. It returns a replyError where Redis answers an error, errProtocol
// for what it cannot read, and the reader's error.
func readReply(r *bufio.Reader) ([][]byte, error) {
	kind, rest, err := readLine(r)
	if err != nil {
		return nil, err
	}
	if kind != '*' {
		value, err := readValue(r, kind, rest)
		return [][]byte{value}, err
	}
	n, err := strconv.Atoi(string(rest))
	if err != nil || n < 0 || n > maxElements {
		return nil, errProtocol
	}
	reply := make([][]byte, n)
	for i := range reply {
		kind, rest, err := readLine(r)
		if err != nil {
			return nil, err
		}
		if reply[i], err = readValue(r, kind, rest); err != nil {
			return nil, err
		}
	}
	return reply, nil
}

// readLine returns the line's first byte, and the rest, which is valid until the next read.
func readLine(r *bufio.Reader) (kind byte, rest []byte, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	line, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || len(line) == 0 {
		return 0, nil, errProtocol
	}
	return line[0], line[1:], nil
}

func readValue(r *bufio.Reader, kind byte, rest []byte) ([]byte, error) {
	switch kind {
	case '+', ':':
		return bytes.Clone(rest), nil
	case '-':
		return nil, replyError(rest)
	case '$':
		return readBulk(r, string(rest))
	default:
		return nil, errProtocol
	}
}

// readBulk reads a string of a length; "-1" stands for none.
func readBulk(r *bufio.Reader, length string) ([]byte, error) {
	n, err := strconv.Atoi(length)
	switch {
	case err != nil || n < -1 || n > maxBulk:
		return nil, errProtocol
	case n == -1:
		return nil, nil
	}
	bulk := make([]byte, n+2)
	if _, err := io.ReadFull(r, bulk); err != nil {
		return nil, err
	}
	bulk, ok := bytes.CutSuffix(bulk, []byte("\r\n"))
	if !ok {
		return nil, errProtocol
	}
	return bulk, nil
}
