package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// checked is a transport that holds each exchange of pkg/client to docs/api/openapi.yaml, and gives its user an address of her own.
type checked struct {
	t       testing.TB
	address string

	mu   *sync.Mutex
	seen map[string]bool // operationIds that were called and answered below 300
}

func (c checked) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(payload))
	r.Header.Set("X-Forwarded-For", c.address)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	a, err := read(response)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader([]byte(a.body)))
	if err := theContract(c.t).check(r, payload, a); err != nil {
		c.t.Errorf("%s %s answers %d, not as documented: %v\n%s", r.Method, r.URL.Path, a.status, err, a.body)
	}
	if m := theContract(c.t).match(r); m.route != nil && a.status < 300 {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.seen[m.route.Operation.OperationID] = true
	}
	return response, nil
}

// user is a registered user with pkg/client.
type user struct {
	*client.Client
	id, email string
	seen      map[string]bool
}

// newClient returns pkg/client as this suite uses it.
func newClient(t testing.TB, url string, tokens client.Tokens) user {
	t.Helper()
	transport := checked{t: t, address: visit(url).address, mu: &sync.Mutex{}, seen: map[string]bool{}}
	c, err := client.New(client.Options{URL: url, Tokens: tokens, HTTP: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	return user{Client: c, seen: transport.seen}
}

// signUp registers a user of a random address.
func signUp(t testing.TB, url string) user {
	t.Helper()
	u := newClient(t, url, client.Tokens{})
	u.email = random() + "@example.com"
	me, err := u.Register(t.Context(), client.Registration{Email: u.email, Password: "correct horse", FirstName: "First", LastName: "Last"})
	if err != nil {
		t.Fatal(err)
	}
	u.id = me.ID
	return u
}

func (u user) startGroup(t testing.TB, others ...user) string {
	t.Helper()
	ids := []string{}
	for _, other := range others {
		ids = append(ids, other.id)
	}
	started, err := u.Start(t.Context(), client.Start{Type: client.Group, Title: "Group", MemberIDs: ids})
	if err != nil {
		t.Fatal(err)
	}
	return started.Conversation.ID
}

// listener is a Socket, and what it handed over.
type listener struct {
	*client.Socket
	ended chan error
	stop  context.CancelFunc

	mu      sync.Mutex
	events  map[string][]chat.Event // by conversation
	changes []client.Connection
	joined  map[string]int // by conversation: how often
	others  []any
	raw     map[int]int // frames by connection
}

// listen runs a Socket until the test ends.
func (u user) listen(t testing.TB) *listener {
	t.Helper()
	l := &listener{ended: make(chan error, 1), events: map[string][]chat.Event{}, joined: map[string]int{}, raw: map[int]int{}}
	l.Socket = u.Socket(client.SocketOptions{
		OnMessage: func(e chat.Event) {
			l.note(func() { l.events[e.ConversationID] = append(l.events[e.ConversationID], e) })
		},
		OnMember:     func(e chat.MemberEvent) { l.note(func() { l.others = append(l.others, e) }) },
		OnRead:       func(e chat.ReadEvent) { l.note(func() { l.others = append(l.others, e) }) },
		OnTyping:     func(e chat.TypingEvent) { l.note(func() { l.others = append(l.others, e) }) },
		OnInbox:      func(e chat.InboxEvent) { l.note(func() { l.others = append(l.others, e) }) },
		OnRefused:    func(r client.Refused) { l.note(func() { l.others = append(l.others, r) }) },
		OnJoined:     func(j client.Joined) { l.note(func() { l.joined[j.ConversationID]++ }) },
		OnConnection: func(c client.Connection) { l.note(func() { l.changes = append(l.changes, c) }) },
		Tap:          func(connection int, _ []byte) { l.note(func() { l.raw[connection]++ }) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.ended <- l.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return l
}

func (l *listener) note(add func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	add()
}

// enter joins a conversation and waits until later events come.
func (l *listener) enter(t testing.TB, conversationID string, after int64) {
	t.Helper()
	l.Join(conversationID, after)
	eventually(t, "the conversation is joined", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.joined[conversationID] > 0
	})
}

// revs returns the revs handed over, which have to be ascending.
func (l *listener) revs(t testing.TB, conversationID string) []int64 {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	revs := []int64{}
	for _, e := range l.events[conversationID] {
		if len(revs) > 0 && e.Rev <= revs[len(revs)-1] {
			t.Fatalf("rev %d was handed over behind %d", e.Rev, revs[len(revs)-1])
		}
		revs = append(revs, e.Rev)
	}
	return revs
}

// reaches waits until each event from first to last has been handed over, once and in order.
func (l *listener) reaches(t testing.TB, conversationID string, first, last int64) {
	t.Helper()
	want := []int64{}
	for rev := first; rev <= last; rev++ {
		want = append(want, rev)
	}
	deadline := time.Now().Add(30 * time.Second)
	for got := l.revs(t, conversationID); !slices.Equal(got, want); got = l.revs(t, conversationID) {
		if len(got) > len(want) || time.Now().After(deadline) {
			t.Fatalf("%d events were handed over, up to %v; want %d to %d", len(got), got[max(0, len(got)-3):], first, last)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// heard returns the first thing heard of a type that fits, and waits for it.
func heard[T any](t testing.TB, l *listener, fits func(T) bool) T {
	t.Helper()
	var found T
	eventually(t, fmt.Sprintf("a %T is heard", found), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, v := range l.others {
			if v, ok := v.(T); ok && fits(v) {
				found = v
				return true
			}
		}
		return false
	})
	return found
}
