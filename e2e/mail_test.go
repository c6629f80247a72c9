package e2e_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// These read mails, so each starts a Confab of its own.

var link = regexp.MustCompile(`http://app\.example/reset/([\w-]{43})\r\n`)

// resetTokens waits for so many mails and returns their tokens.
func (c *confab) resetTokens(t *testing.T, mails int) []string {
	t.Helper()
	var tokens []string
	eventually(t, "the mails are there", func() bool {
		text, err := os.ReadFile(c.mailFile())
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		tokens = nil
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			tokens = append(tokens, found[1])
		}
		return len(tokens) == mails
	})
	return tokens
}

func mailing(t *testing.T) *confab {
	t.Helper()
	return own(t, "-reset-url", "http://app.example/reset/")
}

func TestForgottenPasswordIsResetOnce(t *testing.T) {
	for name, api := range map[string]struct {
		forgot           string
		reset            func(token string) (path string, body map[string]string)
		done, wrongToken outcome
	}{
		"by /v1": {
			"/v1/auth/password/forgot",
			func(token string) (string, map[string]string) {
				return "/v1/auth/password/reset", map[string]string{"token": token, "password": "battery staple"}
			},
			ok(204), outcome{422, "reset_token_refused"},
		},
		"by the tutorial's routes": {
			"/api/auth/forgot-password",
			func(token string) (string, map[string]string) {
				return "/api/auth/reset-password/" + token, map[string]string{"password": "battery staple"}
			},
			ok(200), outcome{422, "Your token has expired. Please attempt to reset your password again."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := mailing(t)
			ann := register(t, c.url)
			other := ann.login(t)
			forget := func() { ann.call(t, "POST", api.forgot, map[string]string{"email": strings.ToUpper(ann.email)}) }
			try := func(token string, wanted outcome) {
				t.Helper()
				path, body := api.reset(token)
				refuse(t, wanted.status, wanted.says, ann.with("").call(t, "POST", path, body))
			}
			forget()
			first := c.resetTokens(t, 1)[0]
			forget()
			second := c.resetTokens(t, 2)[1]
			try(first, api.wrongToken) // the newer one replaced it
			try(second, api.done)
			try(second, api.wrongToken)
			for _, session := range []person{ann, other} {
				eventually(t, "all sessions have ended", func() bool { return session.call(t, "GET", "/v1/users/me", nil).status == 401 })
				refuse(t, 401, "refresh_token_refused", session.call(t, "POST", "/v1/auth/refresh", map[string]string{"refresh_token": session.refresh}))
			}
			refuse(t, 401, "credentials_refused", ann.call(t, "POST", "/v1/auth/login", map[string]string{"email": ann.email, "password": ann.password}))
			ann.password = "battery staple"
			ann.login(t)
		})
	}
}

func TestResetRefusesABadPasswordAndKeepsTheToken(t *testing.T) {
	c := mailing(t)
	ann := register(t, c.url)
	ann.call(t, "POST", "/v1/auth/password/forgot", map[string]string{"email": ann.email})
	token := c.resetTokens(t, 1)[0]
	refuse(t, 400, "invalid_field", ann.call(t, "POST", "/v1/auth/password/reset", map[string]string{"token": token, "password": "short"}))
	refuse(t, 422, "You must enter a password.", ann.call(t, "POST", "/api/auth/reset-password/"+token, map[string]string{}))
	ann.login(t)
	want[any](t, 204, ann.call(t, "POST", "/v1/auth/password/reset", map[string]string{"token": token, "password": "battery staple"}))
}

func TestChangedPasswordMakesMailedLinksWorthless(t *testing.T) {
	c := mailing(t)
	ann := register(t, c.url)
	ann.call(t, "POST", "/v1/auth/password/forgot", map[string]string{"email": ann.email})
	token := c.resetTokens(t, 1)[0]
	want[any](t, 204, ann.call(t, "POST", "/v1/auth/password", map[string]string{"current_password": ann.password, "new_password": "battery staple"}))
	refuse(t, 422, "reset_token_refused", ann.call(t, "POST", "/v1/auth/password/reset", map[string]string{"token": token, "password": "third password"}))
}

func TestMailGoesToTheAccountAloneWithTheOperatorsLink(t *testing.T) {
	c := mailing(t)
	ann := register(t, c.url)
	ask := func(body string, headers ...string) {
		t.Helper()
		if a := ann.with("").call(t, "POST", "/api/auth/forgot-password", body, headers...); a.status != 200 && a.status != 422 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	ask(`{"email":"nobody` + random() + `@example.com"}`)
	ask(`{"email":{"$gt":""}}`)
	ask(`{"email":["` + ann.email + `","eve@example.com"]}`)
	ask(`{"email":"` + ann.email + `\r\nBcc: eve@example.com"}`)
	ask(`{"email":"`+ann.email+`"}`, "X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example", "Origin", "http://evil.example")
	c.resetTokens(t, 1)
	text, err := os.ReadFile(c.mailFile())
	if err != nil || strings.Contains(string(text), "evil") || strings.Contains(string(text), "eve@") || !strings.Contains(string(text), "To: "+ann.email+"\r\n") {
		t.Fatalf("%v in the mails\n%s", err, text)
	}
	if info, err := os.Stat(c.mailFile()); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file is %v, %v; want it for its owner alone", info, err)
	}
}
