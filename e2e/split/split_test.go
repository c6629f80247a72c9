//go:build linux

package split_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/confab-chat/confab/e2e/split"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

// bin is where the programs are.
var bin string

func TestMain(m *testing.M) {
	if dir := os.Getenv(orphanDir); dir != "" {
		becomeOrphaned(dir)
	}
	var err error
	if bin, err = split.Build(context.Background(), split.Released); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func start(t *testing.T) *split.Deployment {
	t.Helper()
	d, err := split.Start(t.Context(), split.Options{Bin: bin, Dir: t.TempDir(), Flags: map[string][]string{
		peer.RealtimeService: {"-drain", "0"}, routes.Web: {"-drain", "0"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() }) // the tests that want its error have closed it
	return d
}

type session struct {
	Token string `json:"access_token"`
}

// visit registers somebody, starts a conversation of one and sends a message to it: all services but one, and what they ask of each other.
func visit(t *testing.T, d *split.Deployment, name string) {
	t.Helper()
	url := d.URL
	register := servertest.Call(t, "POST", url+"/v1/auth/register", "",
		`{"email":"`+name+`@example.com","password":"correct horse","first_name":"Ann","last_name":"Lee"}`)
	token := servertest.Want[session](t, http.StatusCreated, register).Token
	start := servertest.Call(t, "POST", url+"/v1/conversations", token, `{"type":"group","title":"T","member_ids":[]}`)
	id := servertest.Want[struct{ Conversation struct{ ID string } }](t, http.StatusCreated, start).Conversation.ID
	send := servertest.Call(t, "POST", url+"/v1/messages", token, `{"conversation_id":"`+id+`","body":"Hi"}`)
	servertest.Want[any](t, http.StatusCreated, send)
}

func TestDeploymentOutlivesAReplicaOfEachServiceAndAnEmptyRedis(t *testing.T) {
	d := start(t)
	visit(t, d, "before")
	for _, service := range []string{peer.AuthService, peer.ConversationService, peer.MessageService} {
		p := d.Process(service, 0)
		pid := p.PID()
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		for i := range 4 { // whichever replica has the turn
			visit(t, d, fmt.Sprint(service, i))
		}
		if err := p.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.PID() == pid {
			t.Fatalf("%s is the process that was killed", p)
		}
		servertest.Want[any](t, http.StatusOK, servertest.Call(t, "GET", p.AdminURL+"/healthz", "", nil))
	}
	redis(t, d, "SET k v", "+OK")
	if err := d.Redis.Terminate(); err != nil { // in order: it could save
		t.Fatal(err)
	}
	if err := d.Redis.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Redis.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	redis(t, d, "EXISTS k", ":0")
	visit(t, d, "after")
	if err := d.Process(peer.AuthService, 1).Kill(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatalf("one was killed on purpose, and the end is told so: %v", err)
	}
	for _, p := range d.Processes() {
		if err := syscall.Kill(p.PID(), 0); err == nil {
			t.Errorf("%s runs still", p)
		}
	}
	select {
	case err := <-d.Dead:
		t.Errorf("what was asked to end is told: %v", err)
	default:
	}
}

// redis sends a command and wants the answer.
func redis(t *testing.T, d *split.Deployment, command, want string) {
	t.Helper()
	c, err := net.Dial("tcp", d.Redis.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answer := make([]byte, len(want))
	if _, err := fmt.Fprint(c, command, "\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, answer); err != nil || string(answer) != want {
		t.Fatalf("%s is answered with %s, %v", command, answer, err)
	}
}

func TestFrozenProcessAnswersOnceItContinues(t *testing.T) {
	d := start(t)
	p := d.Process(peer.RealtimeService, 1)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 500 * time.Millisecond}
	if _, err := client.Get(p.AdminURL + "/healthz"); err == nil {
		t.Fatal("it answers")
	}
	if err := p.Restart(t.Context()); err == nil {
		t.Fatal("it is started twice")
	}
	if err := p.Continue(); err != nil {
		t.Fatal(err)
	}
	servertest.Want[any](t, http.StatusOK, servertest.Call(t, "GET", p.AdminURL+"/healthz", "", nil))
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(t.Context()); err != nil {
		t.Fatalf("asked to end, it ends with %v", err)
	}
	if err := d.Process(peer.RealtimeService, 0).Stop(); err != nil { // and Close copes
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEachLineOfALogIsJSONWithoutRedisToo(t *testing.T) {
	d := start(t)
	p, err := d.StartReplica(t.Context(), peer.AuthService, "-redis-url", "redis://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	var log []byte
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(string(log), "redis client in trouble"); time.Sleep(100 * time.Millisecond) {
		servertest.Call(t, "POST", p.URL()+"/v1/auth/login", "", `{"email":"nobody@example.com","password":"correct horse"}`) // a limit is counted in Redis
		if log, err = os.ReadFile(p.LogFile); err != nil || time.Now().After(deadline) {
			t.Fatalf("the log says nothing of the client: %s, %v", log, err)
		}
	}
	for line := range strings.Lines(string(log)) {
		if !json.Valid([]byte(line)) {
			t.Errorf("it logs %s", line)
		}
	}
}

func TestProcessThatEndsByItselfIsTold(t *testing.T) {
	d := start(t)
	p := d.Process(peer.MessageService, 1)
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-d.Dead:
		if text := err.Error(); !strings.Contains(text, "message-svc 2 ended by itself (signal: killed)") || !strings.Contains(text, `"msg":"listening"`) {
			t.Fatalf("it is told so: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is told")
	}
	if err := d.Close(); err == nil || !strings.Contains(err.Error(), "message-svc 2") {
		t.Fatalf("the end is told so: %v", err)
	}
}

func TestReplicaWithFlagsOfItsOwnIsKnownToNobody(t *testing.T) {
	d := start(t)
	p, err := d.StartReplica(t.Context(), peer.AuthService, "-register-rate", "1")
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != "auth-svc 3" || d.Process(peer.AuthService, 2) != p {
		t.Fatalf("it is %s", p)
	}
	body := `{"email":"x@example.com","password":"correct horse","first_name":"Ann","last_name":"Lee"}`
	a := servertest.Call(t, "POST", p.URL()+"/v1/auth/register", "", body)
	if !strings.Contains(a.Header.Get("RateLimit-Policy"), "q=1;") {
		t.Fatalf("%d with %v", a.Status, a.Header)
	}
	servertest.Want[any](t, http.StatusOK, servertest.Call(t, "GET", d.URL+"/.well-known/jwks.json", "", nil))
	if _, err := d.StartReplica(t.Context(), peer.AuthService, "-nonsense"); err == nil || !strings.Contains(err.Error(), "-nonsense") {
		t.Fatalf("a wrong flag gives %v", err)
	}
}

func TestStartThatFailsSaysWhyAndLeavesNothingBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, test := range map[string]struct {
		options split.Options
		path    string
		says    []string
	}{
		"a port that is taken": {split.Options{Bin: bin, HTTPAddr: taken.Addr().String()}, os.Getenv("PATH"),
			[]string{"web", "ended", "give another one with -http-addr", "address already in use"}},
		"a wrong flag": {split.Options{Bin: bin, Flags: map[string][]string{peer.MessageService: {"-nonsense"}}}, os.Getenv("PATH"),
			[]string{"message-svc", "not defined: -nonsense"}},
		"programs that are not there": {split.Options{Bin: t.TempDir()}, os.Getenv("PATH"), []string{split.Mongo, "does not start"}},
		"no redis-server":             {split.Options{Bin: bin}, "", []string{"redis-server is missing: install it"}},
		"a MongoDB that is not there": {split.Options{Bin: bin, MongoURI: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"}, os.Getenv("PATH"),
			[]string{"-svc", "mongodb:", "connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", test.path)
			test.options.Dir = t.TempDir()
			d, err := split.Start(t.Context(), test.options)
			if err == nil {
				_ = d.Close()
				t.Fatal("it starts")
			}
			for _, word := range test.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error lacks %q: %v", word, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %v", err)
			}
			requireNobodyIn(t, test.options.Dir)
		})
	}
}

func TestProcessesHaveNoSettingsOfTheParent(t *testing.T) {
	t.Setenv("CONFAB_LOG_LEVEL", "error") // then nobody would log that it listens
	d := start(t)
	for _, p := range d.Processes() {
		log, err := os.ReadFile(p.LogFile)
		if err != nil {
			t.Fatal(err)
		}
		if p.AdminURL != "" && !strings.Contains(string(log), `"listening"`) {
			t.Errorf("%s logs %s", p, log)
		}
	}
	if d.Web.Service != routes.Web || d.URL != d.Web.URL() {
		t.Errorf("in front is %s at %s", d.Web, d.URL)
	}
}
