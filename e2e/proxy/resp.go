package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"sync/atomic"
)

// Dropper loses some of what Redis tells its subscribers. It knows RESP2 and RESP3: https://redis.io/docs/latest/develop/reference/protocol-spec
type Dropper struct {
	Channels string // the prefix of those whose messages are lost
	Every    int64  // the n-th message is lost; 1: all are, 0: none is

	told, dropped atomic.Int64
}

// Dropped is how many messages were lost.
func (d *Dropper) Dropped() int64 { return d.dropped.Load() }

// Relay is a proxy's.
func (d *Dropper) Relay(client *bufio.Writer, target *bufio.Reader) error {
	for {
		value, err := appendValue(nil, target)
		if err != nil {
			return err
		}
		if d.loses(value) {
			continue
		}
		if _, err := client.Write(value); err != nil {
			return err
		}
		if target.Buffered() == 0 {
			if err := client.Flush(); err != nil {
				return err
			}
		}
	}
}

func (d *Dropper) loses(value []byte) bool {
	if !isMessage(value) || !bytes.Contains(value, []byte("\r\n"+d.Channels)) || d.Every == 0 || d.told.Add(1)%d.Every != 0 {
		return false
	}
	d.dropped.Add(1)
	return true
}

// isMessage reports whether the value tells a subscriber of a message.
func isMessage(value []byte) bool {
	if value[0] != '*' && value[0] != '>' {
		return false
	}
	return bytes.HasPrefix(value[1:], []byte("3\r\n$7\r\nmessage\r\n")) || bytes.HasPrefix(value[1:], []byte("3\r\n$8\r\nsmessage\r\n"))
}

var errNoRESP = errors.New("this is no RESP")

// appendValue appends the next value, with all that it holds.
func appendValue(to []byte, r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	to = append(to, line...)
	switch line[0] {
	case '+', '-', ':', '_', ',', '#', '(':
		return to, nil
	}
	n, err := strconv.Atoi(string(bytes.TrimRight(line[1:], "\r\n")))
	if err != nil {
		return nil, errors.Join(errNoRESP, err)
	}
	switch line[0] {
	case '$', '!', '=':
		return appendBytes(to, r, n)
	case '%':
		n *= 2
	case '*', '>', '~':
	default:
		return nil, errNoRESP
	}
	for ; n > 0 && err == nil; n-- {
		to, err = appendValue(to, r)
	}
	return to, err
}

// appendBytes appends n bytes and the end of their line. A negative n is that of null, which has neither.
func appendBytes(to []byte, r *bufio.Reader, n int) ([]byte, error) {
	if n < 0 {
		return to, nil
	}
	start := len(to)
	to = append(to, make([]byte, n+2)...)
	_, err := io.ReadFull(r, to[start:])
	return to, err
}
