package proxy_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/confab-chat/confab/e2e/proxy"
)

// echoing returns the address of a server that says each line back.
func echoing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func listen(t *testing.T, target string, relay proxy.Relay) *proxy.Proxy {
	t.Helper()
	p, err := proxy.Listen(target, relay)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

type conn struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, p *proxy.Proxy) conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return conn{t, c, bufio.NewReader(c)}
}

func (c conn) say(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// hears reports whether the text comes within a moment.
func (c conn) hears(text string, within time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(within))
	got := make([]byte, len(text))
	_, err := io.ReadFull(c.in, got)
	return err == nil && string(got) == text
}

func TestWhatIsSaidIsPassedOnUntilTheConnectionIsCut(t *testing.T) {
	p := listen(t, echoing(t), nil)
	c := dial(t, p)
	c.say("one\n")
	if !c.hears("one\n", 5*time.Second) {
		t.Fatal("nothing is passed on")
	}
	p.Cut()
	if _, err := c.in.ReadByte(); err == nil {
		t.Error("a cut connection goes on")
	}
	if c := dial(t, p); c.hears("x", 5*time.Second) {
		t.Error("a new one is served")
	}
	p.Heal()
	c = dial(t, p)
	c.say("two\n")
	if !c.hears("two\n", 5*time.Second) {
		t.Error("it does not heal")
	}
}

func TestAFrozenConnectionIsSilentAndLosesNothing(t *testing.T) {
	p := listen(t, echoing(t), nil)
	c := dial(t, p)
	p.Freeze()
	c.say("one\n")
	fresh := dial(t, p)
	fresh.say("two\n")
	if c.hears("o", 100*time.Millisecond) || fresh.hears("t", 100*time.Millisecond) {
		t.Error("it says something")
	}
	if p.Held() != 2 {
		t.Errorf("%d had to wait, want the connection and the new one", p.Held())
	}
	p.Heal()
	if !c.hears("one\n", 5*time.Second) || !fresh.hears("two\n", 5*time.Second) {
		t.Error("something is lost")
	}
}

func TestAProxyThatIsClosedWhileItIsFrozenEnds(t *testing.T) {
	p := listen(t, echoing(t), nil)
	dial(t, p).say("one\n")
	p.Freeze()
	dial(t, p).say("two\n")
	p.Close()
}

func TestEverySecondMessageOfTheChannelsIsLost(t *testing.T) {
	const (
		conv     = "*3\r\n$7\r\nmessage\r\n$13\r\nconfab:conv:1\r\n$1\r\na\r\n"
		sharded  = ">3\r\n$8\r\nsmessage\r\n$13\r\nconfab:conv:1\r\n$3\r\n\r\nb\r\n"
		user     = "*3\r\n$7\r\nmessage\r\n$13\r\nconfab:user:1\r\n$1\r\na\r\n"
		answer   = "*3\r\n$9\r\nsubscribe\r\n$13\r\nconfab:conv:1\r\n:1\r\n"
		nothing  = "$-1\r\n*-1\r\n_\r\n+OK\r\n-ERR no\r\n%1\r\n+a\r\n#t\r\n"
		all      = conv + user + sharded + answer + conv + nothing + sharded + user
		expected = conv + user + answer + conv + nothing + user
	)
	d := &proxy.Dropper{Channels: "confab:conv:", Every: 2}
	c := dial(t, listen(t, echoing(t), d.Relay))
	c.say(all)
	if !c.hears(expected, 5*time.Second) {
		t.Error("something else is passed on")
	}
	if d.Dropped() != 2 {
		t.Errorf("%d are lost", d.Dropped())
	}
}

func TestWhatIsNoRESPEndsTheConnection(t *testing.T) {
	d := &proxy.Dropper{Channels: "confab:", Every: 1}
	for _, text := range []string{"HTTP/1.1 200 OK\r\n", "*x\r\n", "$\r\n", "?1\r\n"} {
		c := dial(t, listen(t, echoing(t), d.Relay))
		c.say(text)
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if got, err := io.ReadAll(c.in); err != nil && !strings.Contains(err.Error(), "reset") || len(got) > 0 {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}
