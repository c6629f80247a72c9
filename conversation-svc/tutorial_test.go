package conversation_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/server/servertest"
)

func (w *world) tutorial(userID, method, path string, body any) servertest.Answer {
	w.t.Helper()
	return w.call(userID, method, "/api/chat"+path, body)
}

func (w *world) requireBody(a servertest.Answer, status int, body string) {
	w.t.Helper()
	if a.Status != status || strings.TrimSpace(a.Body) != body {
		w.t.Errorf("status %d, body %s\nwant %d, %s", a.Status, a.Body, status, body)
	}
}

func (w *world) tutorialStart(userID, recipient, body string) string {
	w.t.Helper()
	a := w.tutorial(userID, http.MethodPost, "/new/"+recipient, object{"composedMessage": body})
	conversationID := servertest.Want[struct {
		ConversationID string `json:"conversationId"`
	}](w.t, http.StatusOK, a).ConversationID
	w.requireBody(a, http.StatusOK, `{"message":"Conversation started!","conversationId":"`+conversationID+`"}`)
	return conversationID
}

func TestTheTutorialsClientChats(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		w.requireBody(w.tutorial("ann", http.MethodGet, "", nil), 200, `{"conversations":[]}`)
		w.requireBody(w.tutorial("ann", http.MethodGet, "/recipients", nil), 200,
			`{"recipients":[{"_id":"bob","profile":{"firstName":"bob","lastName":"Test"}},`+
				`{"_id":"cid","profile":{"firstName":"cid","lastName":"Test"}},{"_id":"dan","profile":{"firstName":"dan","lastName":"Test"}}]}`)
		conversationID := w.tutorialStart("ann", "bob", "hello")
		if again := w.tutorialStart("bob", "ann", "hello too"); again != conversationID {
			t.Errorf("the pair has two conversations: %s and %s", conversationID, again)
		}
		w.group("ann", "bob") // has no message
		w.requireBody(w.tutorial("bob", http.MethodPost, "/"+conversationID, object{"composedMessage": "<b>", "more": 1}), 200,
			`{"message":"Reply successfully sent!"}`)
		stored := w.messages.of[conversationID]
		w.requireBody(w.tutorial("ann", http.MethodGet, "/"+conversationID, nil), 200, fmt.Sprintf(`{"conversation":[%s,%s,%s]}`,
			line(stored[2], "bob", "<b>"), line(stored[1], "bob", "hello too"), line(stored[0], "ann", "hello")))
		w.requireBody(w.tutorial("ann", http.MethodPut, "/message/"+stored[0].ID, object{"composedMessage": "hello!"}), 200,
			`{"message":"Message updated!"}`)
		w.requireBody(w.tutorial("ann", http.MethodGet, "", nil), 200, fmt.Sprintf(
			`{"conversations":[[{"_id":%q,"conversationId":%q,"body":"<b>","author":{"_id":"bob","profile":{"firstName":"bob","lastName":"Test"}},`+
				`"createdAt":%q,"updatedAt":%q,"__v":0}]]}`, stored[2].ID, conversationID, stored[2].CreatedAt, stored[2].CreatedAt))
		w.requireBody(w.tutorial("ann", http.MethodDelete, "/"+conversationID, nil), 200, `{"message":"Conversation removed!"}`)
		w.requireBody(w.tutorial("ann", http.MethodGet, "", nil), 200, `{"conversations":[]}`)
		w.requireBody(w.tutorial("ann", http.MethodGet, "/"+conversationID, nil), 200, `{"conversation":[]}`)
	})
}

func line(m chat.Message, author, body string) string {
	return fmt.Sprintf(`{"_id":%q,"createdAt":%q,"body":%q,"author":{"_id":%q,"profile":{"firstName":%q,"lastName":"Test"}}}`,
		m.ID, m.CreatedAt, body, author, author)
}

func TestTheTutorialsErrorsAreWordedAsItsClientsKnowThem(t *testing.T) {
	w := onSQLite(t)
	conversationID := w.tutorialStart("ann", "bob", "hello")
	noMessage, noRecipient := `{"error":"Please enter a message."}`, `{"error":"Please choose a valid recipient for your message."}`
	noConversation := `{"error":"There is no such conversation, or you are not in it."}`
	hello := object{"composedMessage": "hello"}
	for _, tt := range []struct {
		name   string
		answer servertest.Answer
		status int
		body   string
	}{
		{"no message", w.tutorial("ann", http.MethodPost, "/new/bob", object{}), 422, noMessage},
		{"a blank message", w.tutorial("ann", http.MethodPost, "/new/bob", object{"composedMessage": " "}), 422, noMessage},
		{"a message that is no string", w.tutorial("ann", http.MethodPost, "/new/bob", `{"composedMessage":{"$gt":""}}`), 422, noMessage},
		{"a recipient who does not exist", w.tutorial("ann", http.MethodPost, "/new/nobody", hello), 422, noRecipient},
		{"a recipient who is no id", w.tutorial("ann", http.MethodPost, "/new/a%20b", hello), 422, noRecipient},
		{"oneself", w.tutorial("ann", http.MethodPost, "/new/ann", hello), 422, noRecipient},
		{"an empty reply", w.tutorial("ann", http.MethodPost, "/"+conversationID, nil), 422, noMessage},
		{"an empty edit", w.tutorial("ann", http.MethodPut, "/message/x", object{}), 422, noMessage},
		{"an edit of nothing", w.tutorial("ann", http.MethodPut, "/message/x", hello), 404, `{"error":"There is no such message."}`},
		{"a stranger reads", w.tutorial("eve", http.MethodGet, "/"+conversationID, nil), 404, noConversation},
		{"a stranger replies", w.tutorial("eve", http.MethodPost, "/"+conversationID, hello), 404, noConversation},
		{"a stranger deletes", w.tutorial("eve", http.MethodDelete, "/"+conversationID, nil), 404, noConversation},
		{"nothing is there", w.tutorial("ann", http.MethodGet, "/none", nil), 404, noConversation},
		{"a broken body", w.tutorial("ann", http.MethodPost, "/new/bob", "{"), 400, `{"error":"The body could not be parsed."}`},
		{"no token", servertest.Call(t, http.MethodGet, w.Public+"/api/chat", "", nil), 401, "Unauthorized"},
		{"a bad token", servertest.Call(t, http.MethodGet, w.Public+"/api/chat", "x", nil), 401, "Unauthorized"},
		{"an expired token", servertest.Call(t, http.MethodGet, w.Public+"/api/chat", w.users.Token(t, "ann", -time.Minute), nil), 401, "Unauthorized"},
	} {
		t.Run(tt.name, func(*testing.T) { w.requireBody(tt.answer, tt.status, tt.body) })
	}
	long := w.tutorial("ann", http.MethodPost, "/new/cid", object{"composedMessage": strings.Repeat("x", chat.MaxBody+1)})
	if long.Status != http.StatusBadRequest || !strings.HasPrefix(long.Body, `{"error":`) {
		t.Errorf("a long message was answered %d %s", long.Status, long.Body)
	}
	if bodies := w.messages.bodies(conversationID); len(bodies) != 1 {
		t.Errorf("the messages are %v", bodies)
	}
}

func TestTheTutorialTakesFormsAndItsOwnScheme(t *testing.T) {
	w := onSQLite(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.Public+"/api/chat/new/bob",
		strings.NewReader(url.Values{"composedMessage": {"a form"}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "JWT "+w.users.Token(t, "ann", time.Minute))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	inbox := w.tutorial("bob", http.MethodGet, "", nil)
	if answer.StatusCode != http.StatusOK || !strings.Contains(inbox.Body, `"body":"a form"`) {
		t.Errorf("status %d, the other's inbox is %s", answer.StatusCode, inbox.Body)
	}
}

func TestAnAuthorWhoIsGoneStillHasAName(t *testing.T) {
	w := onSQLite(t)
	conversationID := w.tutorialStart("ann", "bob", "hello")
	w.messages.set(func(m *messages) { m.of[conversationID][0].AuthorID = "gone" })
	author := `"author":{"_id":"gone","profile":{"firstName":"Unknown","lastName":"User"}}`
	for _, path := range []string{"", "/" + conversationID} {
		if a := w.tutorial("bob", http.MethodGet, path, nil); a.Status != http.StatusOK || !strings.Contains(a.Body, author) {
			t.Errorf("GET /api/chat%s answered %d %s", path, a.Status, a.Body)
		}
	}
}

func TestTheTutorialsInboxAsksMessageServiceOnce(t *testing.T) {
	w := onSQLite(t)
	for _, userID := range people[1:] {
		w.tutorialStart("ann", userID, "hello")
	}
	w.messages.set(func(m *messages) { clear(m.calls) })
	if a := w.tutorial("ann", http.MethodGet, "", nil); strings.Count(a.Body, `"body":"hello"`) != len(people)-1 {
		t.Errorf("the inbox is %s", a.Body)
	}
	if n := w.messages.calls["Last"]; n != 1 {
		t.Errorf("message-svc was asked %d times", n)
	}
}

func TestTheTutorialLeavesOutDeletedAndEarlierMessages(t *testing.T) {
	w := onSQLite(t)
	c := w.group("ann", "bob")
	w.messages.send(t, "ann", c.ID, "earlier")
	w.add("ann", c.ID, "cid")
	w.requireBody(w.tutorial("cid", http.MethodGet, "", nil), 200, `{"conversations":[]}`)
	deleted := w.messages.send(t, "ann", c.ID, "deleted")
	last := w.messages.send(t, "ann", c.ID, "last")
	w.messages.set(func(m *messages) { m.of[c.ID][1].DeletedAt = &deleted.CreatedAt })
	w.requireBody(w.tutorial("cid", http.MethodGet, "/"+c.ID, nil), 200, `{"conversation":[`+line(last, "ann", "last")+`]}`)
}
