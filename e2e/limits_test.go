package e2e_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestBodyMayBeAsLargeAsDocumented(t *testing.T) {
	ann := register(t, underTest.url)
	chat := ann.group(t, register(t, underTest.url))
	login := func(size int) string { // ignores the padding, which is an unknown field
		body := fmt.Sprintf(`{"email":%q,"password":%q,"padding":""}`, ann.email, ann.password)
		return strings.Replace(body, `"padding":"`, `"padding":"`+strings.Repeat("x", size-len(body)), 1)
	}
	send := func(size int) string { // spaces are no part of the JSON
		body := fmt.Sprintf(`{"conversation_id":%q,"body":%q}`, chat, secret)
		return body + strings.Repeat(" ", size-len(body))
	}
	for name, test := range map[string]struct {
		path, body string
		status     int
		says       string
	}{
		"100 KiB on the tutorial's routes":    {"/api/auth/login", login(100 << 10), 200, ""},
		"a byte more on the tutorial's":       {"/api/auth/login", login(100<<10 + 1), 413, "The body is larger than 102400 bytes."},
		"128 KiB on Confab's own":             {"/v1/messages", send(128 << 10), 201, ""},
		"a byte more on Confab's own":         {"/v1/messages", send(128<<10 + 1), 413, "body_too_large"},
		"a message of 16 KiB":                 {"/v1/messages", fmt.Sprintf(`{"conversation_id":%q,"body":%q}`, chat, strings.Repeat("é", 8<<10)), 201, ""},
		"a message of 16 KiB, all of escapes": {"/v1/messages", `{"conversation_id":"` + chat + `","body":"` + strings.Repeat(`\u0041`, 16<<10) + `"}`, 201, ""},
		"a message of a byte more":            {"/v1/messages", fmt.Sprintf(`{"conversation_id":%q,"body":%q}`, chat, strings.Repeat("x", 16<<10+1)), 400, "invalid_field"},
	} {
		t.Run(name, func(t *testing.T) { refuse(t, test.status, test.says, ann.call(t, "POST", test.path, test.body)) })
	}
}

var rateLimit = regexp.MustCompile(`^"login";r=(\d+);t=(\d+)$`)

func TestTooManyRequestsAreRefusedWithTheTimeToWait(t *testing.T) {
	for name, test := range map[string]struct{ path, says string }{
		"by Confab's own":          {"/v1/auth/login", "rate_limited"},
		"by the tutorial's routes": {"/api/auth/login", "Too many requests. Try again later."},
	} {
		t.Run(name, func(t *testing.T) {
			v := visit(own(t, "-login-rate", "3").url)
			for left := 2; left >= 0; left-- {
				a := v.call(t, "POST", test.path, `{}`)
				found := rateLimit.FindStringSubmatch(a.header.Get("RateLimit"))
				if a.status != 400 || found == nil || found[1] != strconv.Itoa(left) || a.header.Get("RateLimit-Policy") != `"login";q=3;w=60` {
					t.Fatalf("%d %s with %v, want %d left", a.status, a.body, a.header, left)
				}
			}
			a := v.call(t, "POST", test.path, `{}`)
			refuse(t, 429, test.says, a)
			if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 15 || wait > 20 {
				t.Fatalf("Retry-After is %q, want 20 or a little less", a.header.Get("Retry-After"))
			}
			if a := visit(v.url).call(t, "POST", test.path, `{}`); a.status != 400 {
				t.Fatalf("another address gets %d", a.status)
			}
		})
	}
}

func TestGuessingOnePasswordFromManyAddressesIsLimited(t *testing.T) {
	ann := register(t, own(t).url)
	guess := func(email string) answer {
		return visit(ann.url).call(t, "POST", "/v1/auth/login", map[string]string{"email": email, "password": " "})
	}
	for range 20 {
		refuse(t, 400, "invalid_field", guess(ann.email))
	}
	refuse(t, 429, "rate_limited", guess(strings.ToUpper(ann.email)))
	refuse(t, 400, "invalid_field", guess(random()+"@example.com"))
}

func TestWritingIsLimitedByUser(t *testing.T) {
	c := own(t, "-send-rate", "1") // five at once
	ann, bob := register(t, c.url), register(t, c.url)
	chat := ann.group(t, bob)
	message := ann.send(t, chat, secret)
	for i := range 3 {
		want[sent](t, 200, ann.once(t, "PATCH", "/v1/messages/"+message.ID, map[string]string{"body": fmt.Sprint(secret, i)}))
	}
	want[sent](t, 200, ann.once(t, "DELETE", "/v1/messages/"+message.ID, nil))
	refuse(t, 429, "rate_limited", ann.once(t, "POST", "/v1/messages", map[string]string{"conversation_id": chat, "body": secret}))
	bob.send(t, chat, secret)
	if events := bob.feed(t, chat); len(events) != 6 {
		t.Fatalf("the feed has %d events, want those six that were let in", len(events))
	}
}
