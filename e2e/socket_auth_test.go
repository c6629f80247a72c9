package e2e_test

import (
	"fmt"
	"testing"
)

func TestCommandBeforeATokenIsRefusedAndTheSocketGoesOn(t *testing.T) {
	people := newCast(t, underTest.url).scene(t)
	author := people.people[plain]
	s := author.with("").dial(t)
	s.id = 100
	for name, row := range map[string]bad{
		"ping":             {`{"id":7,"type":"ping"}`, refusal("unauthenticated")},
		"join":             {`{"id":7,"type":"join","conversation":"$conversation"}`, refusal("unauthenticated")},
		"leave":            {`{"id":7,"type":"leave","conversation":"$conversation"}`, refusal("unauthenticated")},
		"send":             {`{"id":7,"type":"send","conversation":"$conversation","body":"$secret"}`, refusal("unauthenticated")},
		"read":             {`{"id":7,"type":"read","conversation":"$conversation","seq":1}`, refusal("unauthenticated")},
		"typing":           {`{"id":7,"type":"typing","conversation":"$conversation"}`, refusal("unauthenticated")},
		"one without id":   {`{"type":"ping"}`, unread("unauthenticated")},
		"an unknown one":   {`{"id":7,"type":"watch"}`, refusal("unknown_type")},
		"no JSON":          {`ping`, unread("invalid_json")},
		"a bad token type": {`{"id":7,"type":"auth","token":7}`, wrongField("token")},
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			s.write(people.fill(row.frame, plain))
			if f := s.answer(); f.saying() != row.want {
				t.Fatalf("got %+v, want %+v", f.saying(), row.want)
			}
		})
	}
	s.t = t
	if f, _ := s.command(map[string]any{"type": "auth", "token": author.token}); f.Session == nil || f.Session.UserID != author.id {
		t.Fatalf("the token is answered by %+v", f)
	}
	if messages := author.history(t, people.conversation); len(messages) != 1 {
		t.Fatalf("there are %d messages, want the one before", len(messages))
	}
}

func TestFirstTokenOpensTheSocketOrEndsIt(t *testing.T) {
	ann := register(t, underTest.url)
	for name, test := range map[string]struct {
		token string // in JSON, with a comma before; empty: none
		in    bool
	}{
		"a token":                        {fmt.Sprintf(`,"token":%q`, ann.token), true},
		"with a scheme":                  {fmt.Sprintf(`,"token":"Bearer %s"`, ann.token), true},
		"with the tutorial's":            {fmt.Sprintf(`,"token":"JWT %s"`, ann.token), true},
		"with another scheme":            {fmt.Sprintf(`,"token":"Basic %s"`, ann.token), false},
		"a bad one":                      {fmt.Sprintf(`,"token":%q`, forge(ann.token)), false},
		"an expired one":                 {fmt.Sprintf(`,"token":%q`, underTest.expired), false},
		"a refresh token":                {fmt.Sprintf(`,"token":%q`, ann.refresh), false},
		"garbage":                        {`,"token":"a.b.c"`, false},
		"a NUL":                          {`,"token":"\u0000"`, false},
		"an empty one":                   {`,"token":""`, false},
		"null":                           {`,"token":null`, false},
		"none":                           {``, false},
		"two, of which the last is good": {fmt.Sprintf(`,"token":"x","token":%q`, ann.token), true},
	} {
		t.Run(name, func(t *testing.T) {
			s := ann.with("").dial(t)
			s.id = 100
			s.write(`{"id":7,"type":"auth"` + test.token + `}`)
			f := s.answer()
			if test.in {
				if f.Session == nil || f.Session.UserID != ann.id {
					t.Fatalf("got %+v", f)
				}
				s.goesOn()
				return
			}
			if f.ID != 7 || f.Code != "token_refused" {
				t.Fatalf("got %+v", f)
			}
			if f := s.answer(); f.Type != "closed" || f.Seq != 4503 || f.Code != "token_refused" {
				t.Fatalf("then comes %+v", f)
			}
		})
	}
}

func TestLaterTokenOfAnotherOrABadOneChangesNothing(t *testing.T) {
	ann, bob := register(t, underTest.url), register(t, underTest.url)
	chat := ann.group(t, bob)
	s := ann.dial(t)
	s.id = 100
	again := ann.login(t)
	for name, row := range map[string]bad{
		"the same":            {fmt.Sprintf(`{"id":7,"type":"auth","token":%q}`, ann.token), taken},
		"of another session":  {fmt.Sprintf(`{"id":7,"type":"auth","token":%q}`, again.token), taken},
		"of another user":     {fmt.Sprintf(`{"id":7,"type":"auth","token":%q}`, bob.token), refusal("other_user")},
		"a bad one":           {fmt.Sprintf(`{"id":7,"type":"auth","token":%q}`, forge(ann.token)), refusal("token_refused")},
		"an expired one":      {fmt.Sprintf(`{"id":7,"type":"auth","token":%q}`, underTest.expired), refusal("token_refused")},
		"garbage":             {`{"id":7,"type":"auth","token":"garbage"}`, refusal("token_refused")},
		"none":                {`{"id":7,"type":"auth"}`, refusal("token_refused")},
		"garbage, and no id":  {`{"type":"auth","token":"garbage"}`, unread("token_refused")},
		"the same, and no id": {fmt.Sprintf(`{"type":"auth","token":%q}`, ann.token), saying{}},
	} {
		t.Run(name, func(t *testing.T) {
			row.try(t, s)
			f, _ := s.command(map[string]any{"type": "send", "conversation": chat, "body": secret})
			if f.Message == nil || f.Message.AuthorID != ann.id {
				t.Fatalf("then she sends, and gets %+v", f)
			}
		})
	}
}

// A token that came in band counts from then on: the socket is of its session, and ends with it.
func TestSocketIsOfTheSessionOfItsLastToken(t *testing.T) {
	phone := register(t, underTest.url)
	laptop := phone.login(t)
	s, other := phone.dial(t), phone.dial(t)
	if f, _ := s.command(map[string]any{"type": "auth", "token": laptop.token}); f.Session == nil {
		t.Fatalf("the token is answered by %+v", f)
	}
	want[any](t, 204, phone.call(t, "POST", "/v1/auth/logout", nil))
	if f := other.until("closed"); f.Seq != 4501 {
		t.Fatalf("the other socket hears %+v", f)
	}
	s.goesOn()
	want[any](t, 204, laptop.call(t, "POST", "/v1/auth/logout", nil))
	if f := s.until("closed"); f.Seq != 4501 || f.Code != "session_ended" {
		t.Fatalf("the socket hears %+v", f)
	}
}
