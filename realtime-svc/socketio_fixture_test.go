package realtime

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

// way is how a Socket.IO client comes.
type way struct {
	name      string
	revision  int // of Engine.IO
	transport string
}

var socketIOWays = []way{
	{"Socket.IO 5 over a WebSocket", 4, "websocket"},
	{"Socket.IO 4 over a WebSocket", 3, "websocket"},
	{"Socket.IO 5 by polling", 4, "polling"},
	{"Socket.IO 4 by polling", 3, "polling"},
}

// refusal is how the answer to a CONNECT in vain begins.
func (w way) refusal(code string) string {
	if w.revision == 3 {
		return fmt.Sprintf("44%q", code)
	}
	return fmt.Sprintf(`44{"message":%[1]q,"data":{"code":%[1]q,"detail":"`, code)
}

// scene is a replica in a bubble, and the conversation c of ada and bob.
type scene struct {
	*world
	*replica
	issuer *tokentest.Issuer
}

// overSocketIO runs a test for each way. A test of less than 25 s needs to answer no ping.
func overSocketIO(t *testing.T, cfg Config, test func(t *testing.T, s *scene, w way)) {
	t.Helper()
	for _, w := range socketIOWays {
		t.Run(w.name, func(t *testing.T) { inScene(t, cfg, func(t *testing.T, s *scene) { test(t, s, w) }) })
	}
}

func inScene(t *testing.T, cfg Config, test func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{world: newWorld(t, broker.NewMemory()), issuer: tokentest.New("ada", "bob")}
		s.create("c", "ada", "bob")
		s.replica = startReplica(t, cfg, s.broker, &peer.Peers{Auth: s.issuer, Conversations: s.world, Messages: s.world})
		defer func() {
			s.close()
			time.Sleep(time.Second) // in which net/http lets a client read why it was refused
		}()
		time.Sleep(time.Second) // the keys are loaded at once, in the bubble's time
		test(t, s)
	})
}

// line is a client's connection. Packets are those of Engine.IO, as text.
type line interface {
	say(packets ...string) error
	next() ([]string, error) // io.EOF: the server has closed the connection
	close()
}

// ring opens a line, and asks to be let in.
func (s *scene) ring(t *testing.T, w way, token string) line {
	t.Helper()
	open := s.openWebSocket
	if w.transport == "polling" {
		open = s.openPolling
	}
	l := open(t, w.revision, token)
	t.Cleanup(l.close)
	if w.revision == 4 { // clients of revision 3 are in without asking
		if err := l.say("40"); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// socketIOClient reads what comes over its line.
type socketIOClient struct {
	t    *testing.T
	line line

	mu    sync.Mutex
	heard []string // since it was asked last
	ended error
}

// come returns a client that has asked to be let in.
func (s *scene) come(t *testing.T, w way, token string) *socketIOClient {
	t.Helper()
	c := &socketIOClient{t: t, line: s.ring(t, w, token)}
	go func() {
		defer c.line.close()
		for c.listen() {
		}
	}()
	return c
}

// enter returns a client of the user that was let in.
func (s *scene) enter(t *testing.T, w way, userID string) *socketIOClient {
	t.Helper()
	c := s.come(t, w, s.issuer.Token(t, userID, time.Hour))
	c.want("40")
	return c
}

func (c *socketIOClient) listen() bool {
	packets, err := c.line.next()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard, c.ended = append(c.heard, packets...), err
	return err == nil
}

func (c *socketIOClient) say(packets ...string) {
	c.t.Helper()
	if err := c.line.say(packets...); err != nil {
		c.t.Fatal(err)
	}
}

// news returns what came since it was asked last, and how the connection ended.
func (c *socketIOClient) news() ([]string, error) {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	heard := c.heard
	c.heard = nil
	return heard, c.ended
}

// want wants the client to have heard what begins so, and nothing else, over a connection that goes on.
func (c *socketIOClient) want(starts ...string) {
	c.t.Helper()
	heard, ended := c.news()
	if !slices.EqualFunc(heard, starts, strings.HasPrefix) || ended != nil {
		c.t.Fatalf("heard %q, %v, want %q", heard, ended, starts)
	}
}

// wantEnd wants the client to have heard what begins so, and then the server to have closed the connection.
func (c *socketIOClient) wantEnd(starts ...string) {
	c.t.Helper()
	heard, ended := c.news()
	if !slices.EqualFunc(heard, starts, strings.HasPrefix) || !errors.Is(ended, io.EOF) {
		c.t.Fatalf("heard %q, %v, want %q and the end", heard, ended, starts)
	}
}

// ask wants the command to be answered so.
func (c *socketIOClient) ask(command, answer string) {
	c.t.Helper()
	c.say("427" + command)
	c.want("437" + answer)
}
