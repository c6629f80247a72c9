package e2e_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
)

// What docs/operations.md says of a MongoDB's backup, with MongoDB's own tools: the stand-in and Redis are ended, so that they come back empty.
func TestConfabGoesOnFromADumpOfMongoDB(t *testing.T) {
	for name, parts := range map[string][]string{
		"taken at once": {""},
		"taken one database after another while people write": {"confab_conversations", "confab_messages", "confab_auth"},
	} {
		t.Run(name, func(t *testing.T) {
			d := deploy(t)
			c := gather(t, d.URL)
			files := make([]string, len(parts))
			for i, database := range parts {
				files[i] = filepath.Join(t.TempDir(), "confab.gz")
				if database != "confab_auth" { // which is dumped last, and has no messages
					c.settle(t)
				}
				mongoTool(t, d, "mongodump", "--db="+database, "--gzip", "--archive="+files[i])
				c.ann.send(t, c.room, secret+" while it is dumped, or after")
			}
			c.refreshed = c.ann.refreshed(t)

			processes := slices.DeleteFunc(d.Processes(), func(p *split.Process) bool { return p == d.Web })
			for _, p := range slices.Backward(processes) {
				must(t, errors.Join(p.Terminate(), p.Wait(t.Context())))
			}
			must(t, errors.Join(d.Redis.Restart(t.Context()), d.Mongo.Restart(t.Context())))
			for _, file := range files {
				// FerretDB refuses the indexes as mongorestore wants them; Confab makes those that it lacks.
				mongoTool(t, d, "mongorestore", "--nsInclude=confab_*", "--noIndexRestore", "--gzip", "--archive="+file)
			}
			for _, p := range processes[2:] {
				must(t, p.Restart(t.Context()))
			}
			c.goesOn(t)
		})
	}
}

// community is a Confab with some of everything in it.
type community struct {
	ann, bob  person
	late      person // came to the room later
	gone      person // a session of bob's that has ended
	refreshed person // ann's session, with tokens of after the backup
	room      string
	first     chat.Message
	kept      []any // what the last settle saw
}

func gather(t *testing.T, url string) *community {
	t.Helper()
	c := &community{ann: register(t, url), bob: register(t, url), late: register(t, url)}
	c.gone = c.bob.login(t)
	want[any](t, 204, c.gone.call(t, "POST", "/v1/auth/logout", nil))
	c.room = c.ann.group(t, c.bob)
	c.first = c.ann.send(t, c.room, secret)
	deleted := c.bob.send(t, c.room, secret)
	want[any](t, 201, c.ann.call(t, "POST", "/v1/conversations/"+c.room+"/members", map[string]string{"user_id": c.late.id}))
	c.ann.send(t, c.room, secret)
	want[sent](t, 200, c.ann.call(t, "PATCH", "/v1/messages/"+c.first.ID, map[string]string{"body": secret + " edited"}))
	want[sent](t, 200, c.bob.call(t, "DELETE", "/v1/messages/"+deleted.ID, nil))
	c.bob.direct(t, c.ann, secret)
	return c
}

// settle waits until inboxes have heard of everything, and keeps what each person sees.
func (c *community) settle(t *testing.T) {
	t.Helper()
	last := c.ann.history(t, c.room)
	c.ann.sees(t, c.room, "the inbox has the last message", func(room conversation) bool {
		return room.LastMessage.Seq == int64(len(last)) && room.Unread == 0
	})
	c.bob.sees(t, c.room, "to send is to have read", func(room conversation) bool { return room.ReadSeq == 2 })
	c.kept = c.look(t)
}

// look returns all that each person sees.
func (c *community) look(t *testing.T) []any {
	t.Helper()
	var seen []any
	for _, p := range []person{c.ann, c.bob, c.late} {
		seen = append(seen, p.inbox(t), p.history(t, c.room), p.feed(t, c.room), p.get(t, c.room), p.call(t, "GET", "/v1/users/me", nil).body)
	}
	return seen
}

// goesOn fails the test unless a restored Confab has what was kept, tokens included, and takes the next numbers.
func (c *community) goesOn(t *testing.T) {
	t.Helper()
	eventually(t, "all is as it was", func() bool { return reflect.DeepEqual(c.look(t), c.kept) })
	for _, p := range []person{c.refreshed, c.ann, c.bob, c.late} {
		p.refreshed(t)
		p.login(t)
	}
	c.gone.dead(t)

	feed := c.ann.feed(t, c.room)
	again := map[string]string{"conversation_id": c.room, "body": secret, "client_msg_id": c.first.ClientMsgID}
	if m := want[sent](t, 200, c.ann.call(t, "POST", "/v1/messages", again)).Message; m.ID != c.first.ID {
		t.Errorf("a message that is sent again is %+v", m)
	}
	m := c.late.send(t, c.room, secret+" goes on")
	if seq := c.kept[1].([]chat.Message); m.Seq != int64(len(seq))+1 || m.Rev != int64(len(feed))+1 {
		t.Errorf("behind %d messages and %d events comes %+v", len(seq), len(feed), m)
	}
	for _, p := range []person{c.ann, c.bob, c.late} {
		p.sees(t, c.room, "the inbox goes on", func(room conversation) bool { return room.LastMessage.Seq == m.Seq })
	}
	listener := c.bob.dial(t) // Redis must not tell of what came after the backup
	listener.ask(map[string]any{"type": "join", "conversation": c.room, "rev": len(feed)})
	if f := listener.until(chat.MessageCreated); f.Rev != m.Rev || f.Message.ID != m.ID {
		t.Errorf("a socket hears %+v", f)
	}
}

func deploy(t *testing.T) *split.Deployment {
	t.Helper()
	bin, err := split.Build(t.Context(), split.Released)
	must(t, err)
	d, err := split.Start(t.Context(), split.Options{Bin: bin, Dir: t.TempDir(), Replicas: 1, Flags: map[string][]string{
		peer.RealtimeService: {"-drain", "0"}, routes.Web: {"-drain", "0"},
	}})
	must(t, err)
	t.Cleanup(func() {
		must(t, d.Close())
		for _, p := range d.Processes() {
			log, err := os.ReadFile(p.LogFile)
			must(t, errors.Join(err, verdict(string(log))))
		}
	})
	return d
}

// mongoTool runs one of the tools on the deployment's MongoDB. The first run of all builds it, in ten seconds.
func mongoTool(t *testing.T, d *split.Deployment, name string, args ...string) {
	t.Helper()
	args = append([]string{"tool", "github.com/mongodb/mongo-tools/" + name + "/main", "--uri=mongodb://" + d.Mongo.Addr}, args...)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "go", args...)
	cmd.Dir, cmd.Env = filepath.Join("..", "tools", "mongotools"), append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
