package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/confab-chat/confab/pkg/chat"
)

var errConnectionEnded = &lostError{errors.New("client: the connection ended before the answer")}

// Send stores a message, once however often it has to be written, and returns it. Messages to one conversation are stored in the order of
// the calls: each waits until the one before has its answer. Send waits for a connection while there is none, so Run has to run.
// It returns an *Error where the server refuses the message. After an error of the context it is not known whether it was stored: call
// again with the same ClientMsgID.
func (s *Socket) Send(ctx context.Context, d Draft) (chat.Message, error) {
	d = d.keyed()
	turn := s.queueUp(d.ConversationID)
	defer s.stepOut(d.ConversationID, turn)
	select {
	case <-turn:
	case <-ctx.Done():
		return chat.Message{}, ctx.Err()
	}
	for attempt := 0; ; attempt++ {
		answer, err := s.ask(ctx, command{Type: "send", Conversation: d.ConversationID, Body: d.Body, ClientMsgID: d.ClientMsgID})
		switch {
		case err == nil && answer.Message == nil:
			return chat.Message{}, errors.New("client: the answer holds no message")
		case err == nil:
			return *answer.Message, nil
		case !passes(err):
			return chat.Message{}, err
		}
		if ended := s.pauseOf(ctx, err, attempt); ended != nil {
			return chat.Message{}, fmt.Errorf("%w; the last try: %w", ended, err)
		}
		s.stats.resent.Add(1)
	}
}

// pauseOf waits before a send is tried again. After a lost connection the wait for the next one is enough.
func (s *Socket) pauseOf(ctx context.Context, err error, attempt int) error {
	if errors.Is(err, errConnectionEnded) {
		return nil
	}
	return sleep(ctx, pauseAfter(err, attempt))
}

// Typing tells the others in a joined conversation that the user is typing, if there is a connection. The server takes five in five seconds.
func (s *Socket) Typing(conversationID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil && len(s.conn.outbox) == 0 {
		s.conn.say(command{Type: "typing", Conversation: conversationID}, nil)
	}
}

// queueUp returns a channel that is closed when it is the caller's turn to send.
func (s *Socket) queueUp(conversationID string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	turn := make(chan struct{})
	if len(s.lanes[conversationID]) == 0 {
		close(turn)
	}
	s.lanes[conversationID] = append(s.lanes[conversationID], turn)
	return turn
}

// stepOut lets the next one have her turn.
func (s *Socket) stepOut(conversationID string, turn chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rest []chan struct{}
	for _, t := range s.lanes[conversationID] {
		if t != turn {
			rest = append(rest, t)
		}
	}
	if len(rest) == 0 {
		delete(s.lanes, conversationID)
		return
	}
	if s.lanes[conversationID][0] == turn {
		close(rest[0])
	}
	s.lanes[conversationID] = rest
}

// ask says a command and returns the answer to it. It waits for a connection. It returns errConnectionEnded where that ends first.
func (s *Socket) ask(ctx context.Context, cmd command) (frame, error) {
	c, err := s.connected(ctx)
	if err != nil {
		return frame{}, err
	}
	answer := make(chan frame, 1)
	s.mu.Lock()
	c.say(cmd, func(f frame) { answer <- f }) // where the connection has ended nobody answers
	s.mu.Unlock()
	select {
	case f := <-answer:
		err := f.refusal()
		return f, err
	case <-c.done:
		return frame{}, errConnectionEnded
	case <-ctx.Done():
		return frame{}, ctx.Err()
	}
}

// connected waits for a connection whose token the server has taken.
func (s *Socket) connected(ctx context.Context) (*connection, error) {
	for {
		s.mu.Lock()
		c, up := s.conn, s.up
		entered := c != nil && c.userID != ""
		s.mu.Unlock()
		if entered {
			return c, nil
		}
		select {
		case <-up:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
