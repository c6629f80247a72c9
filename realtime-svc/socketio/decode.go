package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	maxNamespace = 128 // bytes
	maxDigits    = 15  // of an ack's id: JavaScript has all integers of that many
)

// reserved are the events that happen to a socket, which no client may send.
var reserved = []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}

// ErrProtocol is, with the reason, what a Decoder returns for a message that breaks the protocol.
var ErrProtocol = errors.New("a packet breaks the Socket.IO protocol")

func broken(reason string) error { return fmt.Errorf("%w: %s", ErrProtocol, reason) }

// Limits bounds what one packet may bring beside its text. Zero: nothing.
type Limits struct {
	Attachments     int
	AttachmentBytes int // of all together
}

// Decoder reads the packets of one client. After an error it is of no use: the connection is to be closed. What it is passed becomes part
// of packets, and must not be changed afterwards.
type Decoder struct {
	Limits Limits

	partial *Packet // waits for attachments; nil: none does
	awaited int     // attachments of partial, with those that have come
	room    int     // bytes that are left for them
}

// Text takes a text message. It returns nil where the packet's attachments are still to come, and ErrProtocol.
func (d *Decoder) Text(text []byte) (*Packet, error) {
	if d.partial != nil {
		return nil, broken("a text comes where an attachment is awaited")
	}
	p, attachments, err := parse(text, d.Limits.Attachments)
	if err != nil || attachments == 0 {
		return p, err
	}
	d.partial, d.awaited, d.room = p, attachments, d.Limits.AttachmentBytes
	return nil, nil
}

// Binary takes a binary message: the next attachment. It returns nil where the packet has more, and ErrProtocol.
func (d *Decoder) Binary(data []byte) (*Packet, error) {
	p := d.partial
	if p == nil {
		return nil, broken("no attachment is awaited")
	}
	if len(data) > d.room {
		return nil, broken("the attachments are too big")
	}
	d.room -= len(data)
	p.Attachments = append(p.Attachments, data)
	if len(p.Attachments) < d.awaited {
		return nil, nil
	}
	d.partial = nil
	return p, nil
}

// parse reads <type>[<attachments>-][<namespace>,][<id>][JSON], and returns how many attachments are to come.
func parse(text []byte, maxAttachments int) (p *Packet, attachments int, err error) {
	if len(text) == 0 || text[0] < '0' || text[0] > lastDigit {
		return nil, 0, broken("the type is unknown")
	}
	if !utf8.Valid(text) {
		return nil, 0, broken("the text is no UTF-8")
	}
	p = &Packet{Type: Type(text[0] - '0')}
	rest := text[1:]
	if p.Type > ConnectError {
		p.Type -= withAttachments
		if attachments, rest, err = cutAttachments(rest, maxAttachments); err != nil {
			return nil, 0, err
		}
	}
	if p.Namespace, rest, err = cutNamespace(rest); err != nil {
		return nil, 0, err
	}
	if p.ID, rest, err = cutNumber(rest); err != nil {
		return nil, 0, err
	}
	err = p.read(rest)
	if err == nil && attachments > 0 {
		err = checkPlaceholders(rest, attachments)
	}
	if err != nil {
		return nil, 0, err
	}
	return p, attachments, nil
}

func cutAttachments(text []byte, most int) (int, []byte, error) {
	n, rest, err := cutNumber(text)
	rest, ended := bytes.CutPrefix(rest, []byte("-"))
	switch {
	case err != nil:
		return 0, nil, err
	case n == nil || !ended:
		return 0, nil, broken("the number of attachments is missing")
	case *n == 0:
		return 0, nil, broken("there are no attachments")
	case int(*n) > most:
		return 0, nil, broken("there are too many attachments")
	}
	return int(*n), rest, nil
}

// cutNamespace drops the query that clients of revision 4 add to it.
func cutNamespace(text []byte) (string, []byte, error) {
	if !bytes.HasPrefix(text, []byte("/")) {
		return "/", text, nil
	}
	namespace, rest, _ := bytes.Cut(text, []byte(","))
	namespace, _, _ = bytes.Cut(namespace, []byte("?"))
	if len(namespace) > maxNamespace {
		return "", nil, broken("the namespace is too long")
	}
	return string(namespace), rest, nil
}

// cutNumber returns nil where there is none.
func cutNumber(text []byte) (*uint64, []byte, error) {
	rest := bytes.TrimLeft(text, "0123456789")
	digits := text[:len(text)-len(rest)]
	if len(digits) == 0 {
		return nil, text, nil
	}
	if len(digits) > maxDigits {
		return nil, nil, broken("a number has too many digits")
	}
	n, err := strconv.ParseUint(string(digits), 10, 64)
	return &n, rest, err
}

// read takes what follows the id.
func (p *Packet) read(data []byte) error {
	if p.ID != nil && p.Type != Event && p.Type != Ack {
		return broken("an id is given to what has no ack")
	}
	switch p.Type {
	case Connect:
		return p.readObject(data)
	case Disconnect:
		if len(data) > 0 {
			return broken("a disconnect has data")
		}
		return nil
	case Event:
		return p.readEvent(data)
	case Ack:
		if p.ID == nil {
			return broken("an ack has no id")
		}
		return p.readArray(data)
	default:
		return broken("a client refuses a connect")
	}
}

func (p *Packet) readObject(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if data[0] != '{' || !json.Valid(data) {
		return broken("the data is no object")
	}
	p.Data = data
	return nil
}

func (p *Packet) readArray(data []byte) error {
	if !bytes.HasPrefix(data, []byte("[")) || json.Unmarshal(data, &p.Args) != nil {
		return broken("the data is no array")
	}
	return nil
}

func (p *Packet) readEvent(data []byte) error {
	if err := p.readArray(data); err != nil {
		return err
	}
	if len(p.Args) == 0 || p.Args[0][0] != '"' || json.Unmarshal(p.Args[0], &p.Name) != nil {
		return broken("the event has no name")
	}
	if slices.Contains(reserved, p.Name) {
		return broken("the event's name is reserved")
	}
	p.Args = p.Args[1:]
	return nil
}

// checkPlaceholders wants one or more in the JSON for each of n attachments, and none for others.
func checkPlaceholders(data []byte, n int) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // a float64 has not every number that JSON has
	var v any
	_ = d.Decode(&v) // read has seen that it is valid
	nums := map[json.Number]bool{}
	collectPlaceholders(v, nums)
	for k := range n {
		if !nums[json.Number(strconv.Itoa(k))] {
			return broken("an attachment has no placeholder")
		}
	}
	if len(nums) > n {
		return broken("a placeholder has no attachment")
	}
	return nil
}

// collectPlaceholders adds the numbers of all placeholders in v, and "" where one has none.
func collectPlaceholders(v any, nums map[json.Number]bool) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			collectPlaceholders(item, nums)
		}
	case map[string]any:
		if v["_placeholder"] == true {
			num, _ := v["num"].(json.Number)
			nums[num] = true
			return
		}
		for _, item := range v {
			collectPlaceholders(item, nums)
		}
	}
}
