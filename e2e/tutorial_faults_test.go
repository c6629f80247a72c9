package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// What the tutorial's server got wrong, each as it is here. Reset links are in mail_test.go, cross-origin calls in cors_test.go.

// tutorialPair is two people who talk, as the tutorial's routes know them, and one who is a stranger to their chat.
func tutorialPair(t *testing.T) (s *transcript, ann, bob, eve person) {
	s = newTranscript(underTest.url)
	ann, bob, eve = register(t, underTest.url), register(t, underTest.url), register(t, underTest.url)
	for name, p := range map[string]person{"ann": ann, "bob": bob, "eve": eve} {
		s.values[name], s.values[name+"Token"] = p.id, "JWT "+p.token
	}
	s.expect(t, 200, `{"message":"Conversation started!","conversationId":"<chat:id>"}`,
		s.say(t, "annToken", "POST", "/chat/new/<bob>", `{"composedMessage":"psst-secret"}`))
	return s, ann, bob, eve
}

func TestBadResetTokenIsAnsweredAndTheServerLives(t *testing.T) {
	s, _, _, _ := tutorialPair(t)
	for name, token := range map[string]string{
		"a wrong one": "0123456789abcdef", "an operator": "[$ne]=", "a very long one": strings.Repeat("x", 4000), "one with a NUL": "%00", "no UTF-8": "%ff",
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, 422, "Your token has expired. Please attempt to reset your password again.",
				s.say(t, "", "POST", "/auth/reset-password/"+token, `{"password":"a new password"}`))
			refuse(t, 422, "Your token has expired. Please attempt to reset your password again.",
				s.say(t, "", "POST", "/auth/reset-password/"+token, ``))
		})
	}
	s.expect(t, 200, `{"content":"The protected test route is functional!"}`, s.say(t, "annToken", "GET", "/protected", ""))
}

func TestStrangersNeitherReadNorWrite(t *testing.T) {
	s, ann, _, _ := tutorialPair(t)
	for _, chat := range []string{"<chat>", "000000000000000000000000", "recipient"} {
		for _, request := range [][]string{{"GET", ""}, {"POST", `{"composedMessage":"psst-secret"}`}, {"DELETE", ""}} {
			a := s.say(t, "eveToken", request[0], "/chat/"+chat, request[1])
			refuse(t, 404, "There is no such conversation, or you are not in it.", a)
		}
	}
	if h := ann.history(t, s.values["chat"]); len(h) != 1 {
		t.Fatalf("the conversation holds %d messages, want ann's one", len(h))
	}
}

func TestErrorsAreNoSuccessAndTellNothingOfTheDatabase(t *testing.T) {
	s, _, _, _ := tutorialPair(t)
	long := strings.Repeat("x", 65)
	for name, test := range map[string]struct {
		method, path, body string
		status             int
	}{
		"an id that is none":                     {"GET", "/chat/" + long, "", 400},
		"an id with an operator":                 {"GET", "/chat/%7B%22$gt%22:%22%22%7D", "", 400},
		"an id with a NUL":                       {"GET", "/chat/a%00b", "", 400},
		"a reply to an id that is none":          {"POST", "/chat/" + long, `{"composedMessage":"psst-secret"}`, 400},
		"a deletion of an id that is none":       {"DELETE", "/chat/" + long, "", 400},
		"an edit of an id that is none":          {"PUT", "/chat/message/" + long, `{"composedMessage":"psst-secret"}`, 400},
		"an edit of a message that is not there": {"PUT", "/chat/message/000000000000000000000000", `{"composedMessage":"psst-secret"}`, 404},
		"a start with an id that is none":        {"POST", "/chat/new/" + long, `{"composedMessage":"psst-secret"}`, 422},
		"a message that is too long":             {"POST", "/chat/<chat>", `{"composedMessage":"` + strings.Repeat("x", 16<<10+1) + `"}`, 400},
		"a message with a NUL":                   {"POST", "/chat/<chat>", `{"composedMessage":"a\u0000b"}`, 400},
		"a message that is no string":            {"POST", "/chat/<chat>", `{"composedMessage":{"$gt":""}}`, 422},
		"a body that is no JSON":                 {"POST", "/chat/<chat>", `{"composedMessage":`, 400},
		"a body that is no object":               {"POST", "/chat/<chat>", `["psst-secret"]`, 400},
		"no body":                                {"POST", "/chat/<chat>", ``, 422},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.say(t, "annToken", test.method, test.path, test.body)
			if a.status != test.status || !strings.HasPrefix(a.body, `{"error":"`) {
				t.Fatalf("%d %s, want %d and {error}", a.status, a.body, test.status)
			}
			for _, word := range []string{"mongo", "Mongo", "sqlite", "SQL", "Cast", "ObjectId", ".go:"} {
				if strings.Contains(a.body, word) {
					t.Fatalf("it tells of the database: %s", a.body)
				}
			}
		})
	}
}

func TestInboxIsNewestFirst(t *testing.T) {
	s, ann, _, _ := tutorialPair(t)
	var chats []string
	for i := range 3 {
		chats = append(chats, ann.direct(t, register(t, underTest.url), fmt.Sprint(secret, i)))
	}
	ann.send(t, chats[0], secret+" last")
	eventually(t, "the chat that moved last is on top", func() bool {
		a := s.say(t, "annToken", "GET", "/chat", "")
		first, second, third, last := strings.Index(a.body, chats[0]), strings.Index(a.body, chats[2]), strings.Index(a.body, chats[1]), strings.Index(a.body, s.values["chat"])
		return 0 < first && first < second && second < third && third < last
	})
}

func TestRecipientMustExistAndBeAnother(t *testing.T) {
	s, _, _, eve := tutorialPair(t)
	for name, recipient := range map[string]string{"oneself": "<eve>", "nobody": "000000000000000000000000", "no id": "a b", "an operator": "%7B%22$gt%22:%22%22%7D"} {
		t.Run(name, func(t *testing.T) {
			refuse(t, 422, "Please choose a valid recipient for your message.",
				s.say(t, "eveToken", "POST", "/chat/new/"+strings.ReplaceAll(recipient, " ", "%20"), `{"composedMessage":"psst-secret"}`))
		})
	}
	if inbox := eve.inbox(t); len(inbox) != 0 {
		t.Fatalf("eve's inbox holds %+v", inbox)
	}
}

func TestPairHasOneConversationWhoeverStartsIt(t *testing.T) {
	s, ann, bob, _ := tutorialPair(t)
	for _, from := range [][2]string{{"annToken", "<bob>"}, {"bobToken", "<ann>"}} {
		s.expect(t, 200, `{"message":"Conversation started!","conversationId":"<chat>"}`,
			s.say(t, from[0], "POST", "/chat/new/"+from[1], `{"composedMessage":"psst-secret again"}`))
	}
	if a, b := ann.inbox(t), bob.inbox(t); len(a) != 1 || len(b) != 1 {
		t.Fatalf("the inboxes hold %d and %d conversations, want one", len(a), len(b))
	}
}

func TestFirstMessageThatIsRefusedLeavesNoConversation(t *testing.T) {
	s, _, _, eve := tutorialPair(t)
	for _, body := range []string{`{"composedMessage":"` + strings.Repeat("x", 16<<10+1) + `"}`, `{"composedMessage":"a\u0000b"}`, `{}`} {
		if a := s.say(t, "eveToken", "POST", "/chat/new/<bob>", body); a.status < 400 || a.status >= 500 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if inbox := eve.inbox(t); len(inbox) != 0 {
		t.Fatalf("the inbox holds %+v", inbox)
	}
}

func TestServerItselfTellsOfMessagesThatAreStored(t *testing.T) {
	s, ann, bob, _ := tutorialPair(t)
	listener := bob.dial(t)
	if f := listener.join(s.values["chat"]); f.Type != "reply" {
		t.Fatalf("join: %+v", f)
	}
	refuse(t, 422, "Please enter a message.", s.say(t, "annToken", "POST", "/chat/<chat>", `{}`))
	s.expect(t, 200, `{"message":"Reply successfully sent!"}`, s.say(t, "annToken", "POST", "/chat/<chat>", `{"composedMessage":"psst-secret two"}`))
	if f := listener.until("message.created"); f.Message == nil || f.Message.Body != "psst-secret two" || f.Message.AuthorID != ann.id || f.Rev != 2 {
		t.Fatalf("the socket hears %+v", f)
	}
}

func TestLogoutEndsTheTutorialsToken(t *testing.T) {
	s := newTranscript(underTest.url)
	s.expect(t, 201, `{"token":"<token:jwt>","user":{"_id":"<:id>","firstName":"A","lastName":"L","email":"<u>@example.com","role":"Member"}}`,
		s.say(t, "", "POST", "/auth/register", `{"email":"<u>@example.com","firstName":"A","lastName":"L","password":"correct horse"}`))
	want[any](t, 204, s.call(t, "POST", "/v1/auth/logout", nil, "Authorization", s.values["token"]))
	eventually(t, "the token is dead in every service", func() bool {
		return s.say(t, "token", "GET", "/protected", "").status == 401 && s.say(t, "token", "GET", "/chat", "").status == 401
	})
}

func TestNobodyLearnsWhoHasAnAccount(t *testing.T) {
	s, ann, _, _ := tutorialPair(t)
	for name, test := range map[string]struct{ path, known, unknown string }{
		"by a login":             {"/auth/login", `{"email":"` + ann.email + `","password":"wrong horse"}`, `{"email":"<u>@example.com","password":"wrong horse"}`},
		"by a login too short":   {"/auth/login", `{"email":"` + ann.email + `","password":"x"}`, `{"email":"<u>@example.com","password":"x"}`},
		"by a forgotten one":     {"/auth/forgot-password", `{"email":"` + ann.email + `"}`, `{"email":"<u>@example.com"}`},
		"by an address in caps":  {"/auth/forgot-password", `{"email":"` + strings.ToUpper(ann.email) + `"}`, `{"email":"<u>@example.com"}`},
		"by no address, a login": {"/auth/login", `{"email":"` + ann.email + `","password":"wrong horse"}`, `{"email":"no address","password":"wrong horse"}`},
	} {
		t.Run(name, func(t *testing.T) {
			known, unknown := s.say(t, "", "POST", test.path, test.known), s.say(t, "", "POST", test.path, test.unknown)
			if known.status != unknown.status || known.body != unknown.body {
				t.Fatalf("%d %s of one who has an account, %d %s of one who hasn't", known.status, known.body, unknown.status, unknown.body)
			}
		})
	}
}
