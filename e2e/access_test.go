package e2e_test

import (
	"cmp"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/routes"
)

// caller is who makes a request.
type caller string

const (
	nobody   caller = "no token"
	forger   caller = "a bad token"
	lapsed   caller = "an expired token"
	stranger caller = "a stranger"
	former   caller = "a former member"
	plain    caller = "a member"
	owner    caller = "the owner"
)

var callers = []caller{nobody, forger, lapsed, stranger, former, plain, owner}

// outcome is a status and, of an error, what it says: a problem's code, the tutorial's sentence or its text.
type outcome struct {
	status int
	says   string
}

// cast are the people of all scenes.
type cast struct {
	url       string
	people    map[caller]person
	bystander person
}

func newCast(t *testing.T, url string) cast {
	c := cast{url: url, people: map[caller]person{}, bystander: register(t, url)}
	for _, who := range []caller{stranger, former, plain, owner} {
		c.people[who] = register(t, url)
	}
	return c
}

// visitor returns the caller as she comes to the door.
func (c cast) visitor(who caller) visitor {
	switch who {
	case nobody:
		return visit(c.url)
	case forger:
		return visit(c.url).with(forge(c.people[plain].token))
	case lapsed:
		return visit(c.url).with(underTest.expired)
	default:
		return c.people[who].visitor
	}
}

// forge changes one character of a token's signature.
func forge(token string) string {
	i := len(token) - 10
	other := "A"
	if token[i] == 'A' {
		other = "B"
	}
	return token[:i] + other + token[i+1:]
}

// scene is a group of the cast with a message of the member, a guest who stays, and a former member who has left no other trace.
type scene struct {
	cast
	conversation, message string
}

func (c cast) scene(t *testing.T) scene {
	t.Helper()
	boss, author, gone := c.people[owner], c.people[plain], c.people[former]
	s := scene{cast: c, conversation: boss.group(t, author, gone, c.bystander)}
	s.message = author.send(t, s.conversation, secret).ID
	path := "/v1/conversations/" + s.conversation + "/members/" + gone.id
	want[any](t, 204, boss.call(t, "DELETE", path, nil))
	eventually(t, "the head follows the message", func() bool {
		c := boss.get(t, s.conversation)
		return c.Unread == 1 && c.Members[1].ReadSeq == 1
	})
	return s
}

// fill replaces what a row leaves open.
func (s scene) fill(text string, who caller) string {
	author, me := s.people[plain], cmp.Or(s.people[who].id, "nobody")
	return strings.NewReplacer(
		"$conversation", s.conversation, "$message", s.message, "$bystander", s.bystander.id,
		"$member", author.id, "$me", me, "$session", author.session, "$refresh", author.refresh,
		"$email", author.email, "$password", author.password, "$new", random()+"@example.com", "$secret", secret,
	).Replace(text)
}

// state is what the owner sees of the conversation.
func (s scene) state(t *testing.T) string {
	t.Helper()
	boss := s.people[owner]
	return boss.call(t, "GET", "/v1/conversations/"+s.conversation, nil).body +
		boss.call(t, "GET", "/v1/messages?conversation_id="+s.conversation, nil).body
}

func TestEachOperationLetsInWhomItShould(t *testing.T) {
	c := theContract(t)
	people := newCast(t, underTest.url)
	seen := map[string]bool{"socket": true} // TestSocketLetsInWhomItShould
	for _, row := range accessTable {
		seen[row.operation] = true
		route := c.ids[row.operation]
		if route == nil {
			t.Errorf("%s is in the table and not in the document", row.operation)
			continue
		}
		for _, who := range callers {
			t.Run(row.operation+" by "+string(who), func(t *testing.T) {
				people := people
				if row.fresh && row.to(who).status < 300 {
					people = newCast(t, underTest.url)
				}
				if row.ofAccounts() {
					want := row.to(who)
					refuse(t, want.status, want.says, row.ask(t, scene{cast: people}, route.Method, who))
					return
				}
				row.try(t, people.scene(t), route.Method, who)
			})
		}
	}
	for id := range c.ids {
		if !seen[id] {
			t.Errorf("%s has no row", id)
		}
	}
}

// ofAccounts reports whether the row is about no conversation, so that it needs none.
func (row access) ofAccounts() bool { return routes.Service(row.path) == peer.AuthService }

func (row access) ask(t *testing.T, s scene, method string, who caller) answer {
	var body any
	if row.body != "" {
		body = s.fill(row.body, who)
	}
	return s.visitor(who).call(t, method, s.fill(row.path, who), body)
}

// try wants the row's outcome, and of one that is a refusal that it changed nothing.
func (row access) try(t *testing.T, s scene, method string, who caller) {
	want := row.to(who)
	if want.status < 400 {
		refuse(t, want.status, "", row.ask(t, s, method, who))
		return
	}
	before := s.state(t)
	refuse(t, want.status, want.says, row.ask(t, s, method, who))
	if after := s.state(t); after != before {
		t.Fatalf("it was refused, and changed\n%s\nto\n%s", before, after)
	}
}
