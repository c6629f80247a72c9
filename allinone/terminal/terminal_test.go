package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/allinone"
	"github.com/confab-chat/confab/allinone/terminal"
	"github.com/confab-chat/confab/pkg/config"
	"github.com/confab-chat/confab/pkg/server"
)

// confab is all of Confab in this process, on one address and data directory however often it is started.
type confab struct {
	t       *testing.T
	dir     string
	address string
	stop    func()
}

func serve(t *testing.T) *confab {
	t.Helper()
	c := &confab{t: t, dir: t.TempDir(), address: "127.0.0.1:0"}
	c.start()
	t.Cleanup(func() { c.stop() })
	return c
}

func (c *confab) start() {
	c.t.Helper()
	var own allinone.Config
	cfg := server.Config{AdminAddr: "127.0.0.1:0"}
	fs := flag.NewFlagSet("confab", flag.ContinueOnError)
	cfg.RegisterFlags(fs)
	own.RegisterFlags(fs)
	flags := []string{"-http-addr", c.address, "-data-dir", c.dir, "-drain", "0", "-register-rate", "0", "-login-rate", "0", "-send-rate", "0"}
	if err := config.Parse(fs, flags, func(string) string { return "" }); err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	log, registry := cfg.NewLog(io.Discard), prometheus.NewRegistry()
	app, err := allinone.New(ctx, own, server.Env{Log: log, Registerer: registry, HTTP: cfg.HTTP})
	if err != nil {
		c.t.Fatal(err)
	}
	listening, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		err := server.Serve(ctx, &cfg, app, registry, log, func(public net.Addr) { listening <- public })
		ended <- errors.Join(err, app.Close())
	}()
	select {
	case public := <-listening:
		c.address = public.String()
	case err := <-ended:
		c.t.Fatal(err)
	}
	c.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Error(err)
		}
	})
}

// shell is somebody at `confab chat`, with pipes.
type shell struct {
	t         *testing.T
	in        *io.PipeWriter
	interrupt context.CancelFunc // as Ctrl-C does
	ended     chan int

	mu   sync.Mutex
	out  bytes.Buffer
	from int // what was seen before is passed over
}

func (s *shell) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(b)
}

// chat starts `confab chat`. It ends with the test.
func (c *confab) chat(args ...string) *shell {
	c.t.Helper()
	in, typed := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	s := &shell{t: c.t, in: typed, interrupt: cancel, ended: make(chan int, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ended <- terminal.Command(ctx, append([]string{"-url", "http://" + c.address}, args...), in, s, s)
	}()
	c.t.Cleanup(func() { _ = typed.Close(); <-done; cancel() })
	return s
}

// as starts `confab chat` with a new account.
func (c *confab) as(name string) *shell {
	c.t.Helper()
	s := c.chat("-email", strings.ToLower(name)+"@example.com", "-password", "correct horse", "-register", name+" Lee")
	s.sees("Hello, " + name + `\.`)
	return s
}

func (s *shell) types(lines ...string) {
	s.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(s.in, line+"\n"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// sees waits until what the pattern describes is printed, behind what was seen before. It returns the groups.
func (s *shell) sees(pattern string) []string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	for range 1000 {
		s.mu.Lock()
		rest := s.out.String()[s.from:]
		at := re.FindStringSubmatchIndex(rest)
		if at != nil {
			s.from += at[1]
		}
		s.mu.Unlock()
		if at != nil {
			return re.FindStringSubmatch(rest)
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("%q is not printed after 10 s; all of it:\n%s", pattern, s.all())
	return nil
}

// asks types a line until it is answered so: the inbox follows a message by a moment.
func (s *shell) asks(line, pattern string) {
	s.t.Helper()
	answered := regexp.MustCompile(pattern)
	for range 50 {
		s.types(line)
		for range 10 {
			if answered.MatchString(s.all()) {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	s.t.Fatalf("%q is not answered by %q after 10 s; all of it:\n%s", line, pattern, s.all())
}

func (s *shell) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// ends waits until it has ended, with the exit code.
func (s *shell) ends(code int) {
	s.t.Helper()
	select {
	case got := <-s.ended:
		if got != code {
			s.t.Fatalf("exit code %d, want %d:\n%s", got, code, s.all())
		}
	case <-time.After(15 * time.Second):
		s.t.Fatalf("it goes on:\n%s", s.all())
	}
}

func TestTwoTerminalsTalk(t *testing.T) {
	c := serve(t)
	ann, bob := c.as("Ann"), c.as("Bob")
	ann.sees("You have no conversations")
	ann.types("/new bob@example.com Hi Bob")
	ann.sees(`\d\d:\d\d #1 You: Hi Bob\n── Bob Lee: type a line`)
	open := bob.sees(`\* Ann Lee: Hi Bob  \(/open (\d)\)`)
	bob.types("/open " + open[1])
	bob.sees(`#1 Ann Lee: Hi Bob\n── Ann Lee`)
	bob.types("Hello", "//slash")
	ann.sees(`#2 Bob Lee: Hello\n\d\d:\d\d #3 Bob Lee: /slash\n`)
	ann.types("one", "two", "three")
	bob.sees(`#4 Ann Lee: one\n.* #5 Ann Lee: two\n.* #6 Ann Lee: three\n`)
	ann.types("/edit 5 zwei", "/delete #6")
	bob.sees(`#5 Ann Lee \(edited\): zwei\n.* #6 Ann Lee: \(deleted\)\n`)
	ann.sees(`#6 You: \(deleted\)`)
	ann.types("/edit 2 not mine")
	ann.sees("Not changed: Only the author")
	ann.types("/edit 99 x")
	ann.sees("Give the number of a message on the screen")
	bob.types("/inbox")
	bob.sees(`1  Ann Lee  `)
	ann.types("/members")
	ann.sees(`(You|Bob Lee) \(member, has read to #[0-6]\)\n  (You|Bob Lee) `)
	ann.types("/quit")
	ann.ends(0)
	_ = bob.in.Close()
	bob.ends(0)

	again := c.chat("-email", "ann@example.com", "-password", "correct horse")
	again.sees(`1  Bob Lee  `)
	again.types("/open 1")
	again.sees(`#1 You: Hi Bob\n.* #2 Bob Lee: Hello\n.* #3 Bob Lee: /slash\n.* #4 You: one\n.* #5 You \(edited\): zwei\n.* #6 You: \(deleted\)\n── Bob Lee`)
}

func TestAGroupOfThree(t *testing.T) {
	c := serve(t)
	ann, bob, eve := c.as("Ann"), c.as("Bob"), c.as("Eve")
	ann.types("/group Lunch club bob@example.com eve@example.com")
	ann.sees("── Lunch club: type a line")
	ann.types("Noon?")
	for _, s := range []*shell{bob, eve} {
		s.types("/open " + s.sees(`\* Lunch club: Noon\?  \(/open (\d)\)`)[1])
		s.sees(`#1 Ann Lee: Noon\?`)
	}
	bob.types("Yes")
	eve.sees("#2 Bob Lee: Yes")
	ann.sees("#2 Bob Lee: Yes")
	eve.asks("/inbox", `1  Lunch club  Yes`) // nothing is unread where it was read
}

func TestNewConversationsAreTold(t *testing.T) {
	c := serve(t)
	ann, bob, eve := c.as("Ann"), c.as("Bob"), c.as("Eve")
	eve.sees("You have no conversations")
	ann.types("/group Lunch club bob@example.com eve@example.com")
	ann.sees("── Lunch club")
	c.stop() // nothing tells of a group that says nothing, so Eve has to look again
	c.start()
	eve.sees(`\* You are in Lunch club\.  \(/open 1\)\n`)
	bob.sees(`\* You are in Lunch club\.  \(/open 1\)\n`)
	bob.types("/open 1")
	bob.sees("── Lunch club: type a line")
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	c := serve(t)
	ann := c.as("Ann")
	for line, says := range map[string]string{
		"hello":                   "Open a conversation first",
		"/open 7":                 "Give the number of a conversation",
		"/open x":                 "Give the number of a conversation",
		"/new":                    "Give an address: /new ann@example.com",
		"/new nobody@example.com": "Nobody has the address nobody@example.com",
		"/new ann@example.com":    "Not started: ",
		"/group bob@example.com":  "Give a title, then addresses",
		"/members":                "Open a conversation first",
		"/delete 1":               "Give the number of a message",
		"/dance\x1b[2J":           `There is no /dance�\[2J`,
		"/help":                   "(?s)/inbox .*/quit",
	} {
		ann.types(line)
		ann.sees(says)
	}
}

func TestLoggingIn(t *testing.T) {
	c := serve(t)
	c.as("Ann").types("/quit")
	for name, test := range map[string]struct {
		args  []string
		lines []string
		code  int
		says  string
	}{
		"by what is typed":                   {nil, []string{"ann@example.com", "correct horse"}, 0, "Hello, Ann"},
		"a wrong password for a script":      {[]string{"-email", "ann@example.com"}, []string{"wrong horse"}, 1, "confab chat: 401 credentials_refused"},
		"a wrong password that is typed":     {nil, []string{"ann@example.com", "wrong horse"}, 1, "confab chat: 401 credentials_refused"},
		"Enter, where a name is asked for":   {nil, []string{"ann@example.com", "wrong horse", ""}, 0, "no such account.\n$"},
		"a new account that is typed":        {nil, []string{"kim@example.com", "correct horse", "Kim"}, 0, "Hello, Kim"},
		"a new account's short password":     {nil, []string{"lea@example.com", "horse", "Lea", "mare", "correct horse"}, 0, "(?s)8 characters.*8 characters.*Hello, Lea"},
		"a short password and no other":      {nil, []string{"max@example.com", "horse", "Max"}, 1, "(?s)8 characters.*confab chat: 400"},
		"an account that exists":             {nil, []string{"ann@example.com", "wrong horse", "Ann"}, 1, "has an account already"},
		"the end of the input at the prompt": {nil, nil, 0, "^$"},
		"a server that is not there":         {[]string{"-url", "http://127.0.0.1:1", "-email", "a@example.com", "-password", "x"}, nil, 1, `confab chat: cannot reach http://127.0.0.1:1: is it running\? \(dial .*refused\)`},
		"a URL that is none":                 {[]string{"-url", "localhost"}, nil, 1, "must begin with http"},
		"a flag that is none":                {[]string{"-nope"}, nil, 2, "Try confab chat -h"},
		"help":                               {[]string{"-h"}, nil, 0, "(?s)-email.*/inbox.*/quit"},
	} {
		t.Run(name, func(*testing.T) {
			s := c.chat(test.args...)
			for _, line := range test.lines {
				s.types(line)
			}
			_ = s.in.Close()
			s.ends(test.code)
			s.sees(test.says)
		})
	}
}

func TestTheServerComesAndGoes(t *testing.T) {
	c := serve(t)
	ann, bob := c.as("Ann"), c.as("Bob")
	ann.types("/new bob@example.com Hi")
	ann.sees("── Bob Lee")
	bob.types("/open " + bob.sees(`/open (\d)`)[1])
	bob.sees("── Ann Lee")
	c.stop()
	ann.sees(`\* Reconnecting…\n`)
	ann.types("meanwhile")
	c.start()
	ann.sees(`(?s)\* Connected again.*#2 You: meanwhile\n`)
	bob.sees(`(?s)\* Connected again.*#2 Ann Lee: meanwhile\n`)
	if n := strings.Count(ann.all(), "Reconnecting"); n != 1 {
		t.Fatalf("told %d times of one loss:\n%s", n, ann.all())
	}
}

func TestScriptsGetTheirLastLinesOut(t *testing.T) {
	c := serve(t)
	bob := c.as("Bob")
	ann := c.chat("-email", "ann@example.com", "-password", "correct horse", "-register", "Ann Lee")
	lines := "/new bob@example.com\n"
	for i := range 30 {
		lines += fmt.Sprintln("line", i)
	}
	ann.types(strings.TrimSuffix(lines, "\n"))
	_ = ann.in.Close()
	ann.ends(0)
	bob.types("/open " + bob.sees(`/open (\d)`)[1])
	bob.sees(`#30 Ann Lee: line 29\n`)
}

func TestTextOfOthersCannotSteerTheTerminal(t *testing.T) {
	c := serve(t)
	ann, bob := c.as("Ann"), c.as("Bob")
	bob.types("/group Club\u009b31m\u202e ann@example.com")
	bob.sees("── Club�31m�: ")
	bob.types("\x1b]0;owned\x07 \x1b[2J\u202Eevil\u2066\x9b \x7f")
	ann.types("/open " + ann.sees(`/open (\d)`)[1])
	ann.sees(`#1 Bob Lee: �\]0;owned� �\[2J�evil�� �\n`)
	for _, s := range []*shell{ann, bob} {
		if i := strings.IndexFunc(s.all(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r == 0x202e || r >= 0x80 && r < 0xa0 }); i >= 0 {
			t.Fatalf("%q was printed", s.all()[i:min(i+20, len(s.all()))])
		}
	}
}
