package allinone_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
)

const (
	crashes      = 3
	crashWriters = 4 // in each conversation
	crashGroups  = 5
)

func TestKilledUnderLoadItKeepsAllThatItAcknowledged(t *testing.T) {
	program, dir := program(t), t.TempDir()
	p := run(t, program, dir)
	var people []person
	for i := range crashWriters {
		people = append(people, register(t, p.url, fmt.Sprint("writer", i)))
	}
	var groups []string
	for range crashGroups {
		groups = append(groups, group(t, p.url, people[0], people[1:]...))
	}
	acknowledged := map[string][]chat.Message{} // by conversation
	for crash := range crashes {
		load := startLoad(p.url, people, groups)
		time.Sleep(time.Duration(200+150*crash) * time.Millisecond) // a load to be killed under, of three lengths
		p.kill()
		for conversation, messages := range load.wait() {
			acknowledged[conversation] = append(acknowledged[conversation], messages...)
		}
		p = run(t, program, dir)
		for _, conversation := range groups {
			requireKept(t, history(t, p.url, people[0], conversation), acknowledged[conversation])
		}
	}
	requireInboxes(t, p.url, people, groups)
	p.stop(t)
}

// load is writers who send as fast as they are answered.
type load struct {
	writers sync.WaitGroup
	mu      sync.Mutex
	acked   map[string][]chat.Message
}

func startLoad(url string, people []person, groups []string) *load {
	l := &load{acked: map[string][]chat.Message{}}
	for _, author := range people {
		for _, conversation := range groups {
			l.writers.Go(func() {
				for i := 0; ; i++ {
					m, err := trySend(url, author.token, conversation, fmt.Sprint("message ", i))
					if err != nil {
						return // the process is dead
					}
					l.mu.Lock()
					l.acked[conversation] = append(l.acked[conversation], m)
					l.mu.Unlock()
				}
			})
		}
	}
	return l
}

func (l *load) wait() map[string][]chat.Message {
	l.writers.Wait()
	return l.acked
}

func trySend(url, token, conversation, body string) (chat.Message, error) {
	request, err := json.Marshal(map[string]string{"conversation_id": conversation, "body": body})
	if err != nil {
		return chat.Message{}, err
	}
	r, err := http.NewRequest(http.MethodPost, url+"/v1/messages", bytes.NewReader(request))
	if err != nil {
		return chat.Message{}, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return chat.Message{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		return chat.Message{}, fmt.Errorf("status %d", response.StatusCode)
	}
	var s sent
	return s.Message, json.NewDecoder(response.Body).Decode(&s)
}

func requireKept(t *testing.T, history, acknowledged []chat.Message) {
	t.Helper()
	if len(acknowledged) == 0 {
		t.Fatal("the load was acknowledged nothing: the test has shown nothing")
	}
	for i, m := range history {
		if m.Seq != int64(i+1) {
			t.Fatalf("message %d has seq %d", i+1, m.Seq)
		}
	}
	for _, m := range acknowledged {
		if m.Seq > int64(len(history)) || history[m.Seq-1].ID != m.ID {
			t.Fatalf("message %d was acknowledged and is gone", m.Seq)
		}
	}
}

// requireInboxes waits for the walk that follows a start, then wants each head to be the last message, and each count of unread
// ones that of the messages behind the member's own last one.
func requireInboxes(t *testing.T, url string, people []person, groups []string) {
	t.Helper()
	want := map[string][]chat.Message{}
	for _, conversation := range groups {
		want[conversation] = history(t, url, people[0], conversation)
	}
	var wrong string
	for range 100 {
		if wrong = wrongInbox(t, url, people, want); wrong == "" {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal(wrong)
}

func wrongInbox(t *testing.T, url string, people []person, want map[string][]chat.Message) string {
	t.Helper()
	for _, reader := range people {
		items := inbox(t, url, reader)
		for conversation, messages := range want {
			last, own := int64(len(messages)), int64(0)
			for _, m := range messages {
				if m.AuthorID == reader.ID {
					own = m.Seq
				}
			}
			if got := items[conversation]; got.LastMessage.Seq != last || got.Unread != last-own {
				return fmt.Sprintf("the inbox shows message %d and %d unread, want %d and %d", got.LastMessage.Seq, got.Unread, last, last-own)
			}
		}
	}
	return ""
}
