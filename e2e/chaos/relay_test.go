package chaos

import (
	"context"
	"testing"

	"github.com/confab-chat/confab/e2e/checker"
	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/client"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
)

func TestOnePostReachesASocketOnEachGatewayOnce(t *testing.T) {
	bin, err := split.Build(t.Context(), split.Released)
	if err != nil {
		t.Fatal(err)
	}
	d, err := split.Start(t.Context(), split.Options{Bin: bin, Dir: t.TempDir(), Flags: map[string][]string{
		peer.RealtimeService: {"-drain", "0"}, routes.Web: {"-drain", "0"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := enlist(t.Context(), d.URL, Load{Rooms: 1, Writers: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.muster(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	reading, stop := context.WithCancel(t.Context())
	defer stop()
	for i := range 2 {
		r := c.readerAt(t, d.Process(peer.RealtimeService, i).URL())
		c.readers = append(c.readers, r)
		c.run(reading, r.socket)
		<-r.joined
		if n, err := metric(t.Context(), d.Process(peer.RealtimeService, i), "confab_sockets", ""); err != nil || n != 1 {
			t.Fatalf("gateway %d has %v sockets, %v", i, n, err)
		}
	}
	w := &writer{crew: c, user: c.users[0], room: c.rooms[0]}
	for range 2 { // had the first come twice, it would be there before the second
		if err := w.send(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, reached := c.settle(); !reached {
		t.Error("not all readers have had the last message")
	}
	var v checker.Verdict
	if err := c.judge(t.Context(), &v); err != nil {
		t.Fatal(err)
	}
	stop()
	c.dismiss()
	if len(c.failed) > 0 || !v.OK() || v.Acknowledged != 2 || v.Deliveries != 4 || v.Dropped+v.OutOfTurn > 0 {
		t.Errorf("the verdict is %+v, %v", v, c.failed)
	}
}

// readerAt is a reader of the first room on a certain gateway.
func (c *crew) readerAt(t *testing.T, gateway string) *reader {
	t.Helper()
	user, err := client.New(client.Options{URL: gateway, Tokens: client.Tokens{Access: c.users[0].Tokens().Access}})
	if err != nil {
		t.Fatal(err)
	}
	return newReader(user, c.rooms[0])
}
