package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

// frame is what the server says: a reply, an error or an event. Each kind sets its own fields.
type frame struct {
	Type           string        `json:"type"`
	ID             int64         `json:"id"` // the command's that is answered; zero: none
	ConversationID string        `json:"conversation_id"`
	UserID         string        `json:"user_id"`
	Rev            int64         `json:"rev"`
	Seq            int64         `json:"seq"`
	FromSeq        int64         `json:"from_seq"`
	MembersVersion int64         `json:"members_version"`
	Live           bool          `json:"live"`
	AfterMS        int64         `json:"after_ms"`
	Message        *chat.Message `json:"message"`
	Joined         *position     `json:"joined"`
	Session        *grant        `json:"session"`
	Code           string        `json:"code"`
	Detail         string        `json:"detail"`
	Field          string        `json:"field"`
	RetryAfterMS   int64         `json:"retry_after_ms"`
}

type position struct {
	ConversationID string `json:"conversation_id"`
	Rev            int64  `json:"rev"`
}

type grant struct {
	UserID string `json:"user_id"`
}

const (
	typeReply = "reply"
	typeError = "error"
)

// maxMillis bounds the times that a frame may name: a day, in milliseconds.
const maxMillis = 24 * 60 * 60 * 1000

// decode reads a frame. It returns an error for what no server says, and takes types and fields that are new.
func decode(data []byte) (frame, error) {
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		return frame{}, fmt.Errorf("a frame that is no JSON object: %w", err)
	}
	switch f.Type {
	case "":
		return frame{}, errors.New("a frame without a type")
	case chat.MessageCreated, chat.MessageUpdated, chat.MessageDeleted:
		if f.Message == nil || f.Rev < 1 || f.ConversationID == "" || f.Message.ConversationID != f.ConversationID {
			return frame{}, errors.New("an event without its message, rev or conversation")
		}
	case chat.Resync, chat.Inbox, chat.Read, chat.Typing, chat.MemberAdded, chat.MemberRemoved:
		if f.ConversationID == "" {
			return frame{}, errors.New("an event without its conversation")
		}
	}
	f.AfterMS = min(max(f.AfterMS, 0), maxMillis)
	f.RetryAfterMS = min(max(f.RetryAfterMS, 0), maxMillis)
	return f, nil
}

// refusal returns the error that an error frame tells, nil for any other.
func (f *frame) refusal() error {
	if f.Type != typeError {
		return nil
	}
	return &Error{Code: f.Code, Detail: f.Detail, Field: f.Field, RetryAfter: time.Duration(f.RetryAfterMS) * time.Millisecond}
}

// command is what the client says.
type command struct {
	ID           int64  `json:"id,omitempty"`
	Type         string `json:"type"`
	Conversation string `json:"conversation,omitempty"`
	Rev          *int64 `json:"rev,omitempty"`
	Body         string `json:"body,omitempty"`
	ClientMsgID  string `json:"client_msg_id,omitempty"`
	Token        string `json:"token,omitempty"`
}

func (c *command) encode() []byte {
	data, _ := json.Marshal(c) // numbers and strings always encode
	return data
}
