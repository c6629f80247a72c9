package socketio

import (
	"encoding/json"

	"github.com/confab-chat/confab/realtime-svc/engineio"
)

// Socket is a client in one namespace.
type Socket struct {
	connection *connection
	namespace  string
	id         string
	handler    Handler
}

// Refusal is what a client is told that may not connect.
type Refusal struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// Namespace is the one that the client asks for; "/" is the main one.
func (s *Socket) Namespace() string { return s.namespace }

// Revision is that of the protocol: 5 or 4.
func (s *Socket) Revision() int { return s.connection.session.Revision() + 1 }

// Accept tells the client that it is connected. It comes before all else.
func (s *Socket) Accept() {
	p := &Packet{Type: Connect}
	if s.Revision() == 5 {
		p.Data, _ = json.Marshal(map[string]string{"sid": s.id}) // always encodes
	}
	_ = s.Send(p)
}

// Refuse tells the client that it is not connected. No client tries again by itself then.
func (s *Socket) Refuse(r *Refusal) {
	var reason any = r
	if s.Revision() == 4 {
		reason = r.Message // which knows no more
	}
	data, _ := json.Marshal(reason) // what a Refusal holds is the caller's, who has it encode
	_ = s.Send(&Packet{Type: ConnectError, Data: data})
}

// Disconnect tells the client that it is connected no more. No client connects again by itself then. The caller closes the session next.
func (s *Socket) Disconnect() { _ = s.Send(&Packet{Type: Disconnect}) }

// Send gives the client a packet, whose namespace is the socket's, and waits while too much waits for it. It returns why the session has ended, where it has.
func (s *Socket) Send(p *Packet) error {
	out := *p
	out.Namespace = s.namespace
	text := out.AppendText(nil)
	if s.Revision() == 4 {
		text = ASCII(text)
	}
	s.connection.sending.Lock()
	defer s.connection.sending.Unlock()
	err := s.connection.session.Send(engineio.Message{Data: text})
	for _, attachment := range p.Attachments {
		err = s.connection.session.Send(engineio.Message{Data: attachment, Binary: true})
	}
	return err
}

// SendText is Send for a packet without attachments that is encoded already.
func (s *Socket) SendText(text []byte) error {
	s.connection.sending.Lock()
	defer s.connection.sending.Unlock()
	return s.connection.session.Send(engineio.Message{Data: text})
}
