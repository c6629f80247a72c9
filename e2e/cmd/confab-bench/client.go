package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
)

const registering = 4 // users at a time

// do sends a request and reads the answer whole. It returns an error for any status of 400 and above.
func (c *client) do(method, path string, body any) error {
	payload := []byte(nil)
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return err
		}
	}
	var request bytes.Buffer
	fmt.Fprintf(&request, "%s %s HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", method, path, len(payload))
	if c.token != "" {
		fmt.Fprintf(&request, "Authorization: Bearer %s\r\n", c.token)
	}
	request.WriteString("\r\n")
	request.Write(payload)
	if _, err := c.conn.Write(request.Bytes()); err != nil {
		return err
	}
	status, err := c.read()
	if err == nil && status >= 400 {
		err = fmt.Errorf("%s %s: %d: %s", method, path, status, c.body)
	}
	return err
}

// ask sends a GET without more than its path.
func (c *client) ask(path string) (status int, err error) {
	if _, err := io.WriteString(c.conn, "GET "+path+" HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return 0, err
	}
	return c.read()
}

func (c *client) read() (status int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("status line %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("an answer without Content-Length")
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.in, c.body)
	return status, err
}

// get is do with the answer decoded into v.
func (c *client) get(method, path string, body, v any) error {
	if err := c.do(method, path, body); err != nil {
		return err
	}
	return json.Unmarshal(c.body, v)
}

// user is a registered user.
type user struct {
	id    string
	token string
}

// register registers n users, some at a time: the server hashes a password for each.
func (c *confab) register(n int) ([]user, error) {
	users, errs := make([]user, n), make([]error, registering)
	var next atomic.Int64
	var group sync.WaitGroup
	for worker := range errs {
		group.Go(func() {
			anonymous, err := c.dial("")
			for i := int(next.Add(1)) - 1; err == nil && i < n; i = int(next.Add(1)) - 1 {
				users[i], err = anonymous.register(i)
			}
			errs[worker] = err
		})
	}
	group.Wait()
	return users, errors.Join(errs...)
}

func (c *client) register(i int) (user, error) {
	var answer struct {
		AccessToken string `json:"access_token"`
		User        struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	err := c.get("POST", "/v1/auth/register", map[string]string{
		"email": fmt.Sprintf("user%d@example.com", i), "password": "correct horse battery", "first_name": "User", "last_name": strconv.Itoa(i),
	}, &answer)
	return user{id: answer.User.ID, token: answer.AccessToken}, err
}

// group starts a conversation of the client's user and others, and returns its id.
func (c *client) group(title string, members ...string) (string, error) {
	var answer struct {
		Conversation struct {
			ID string `json:"id"`
		} `json:"conversation"`
	}
	err := c.get("POST", "/v1/conversations", map[string]any{"type": "group", "title": title, "member_ids": members}, &answer)
	return answer.Conversation.ID, err
}

type message struct {
	ConversationID string `json:"conversation_id"`
	Body           string `json:"body"`
}

func (c *client) send(conversation string) error {
	return c.do("POST", "/v1/messages", message{ConversationID: conversation, Body: "The quick brown fox jumps over the lazy dog."})
}
