package e2e_test

import (
	"regexp"
	"strings"
	"testing"
)

// transcript holds what earlier answers said. In a path, a body or a wanted answer <name> is such a value; in a wanted answer <name:kind>
// takes a new one, and <:kind> any.
type transcript struct {
	visitor
	values map[string]string
}

var (
	kinds = map[string]string{
		"id":   `[0-9a-f]{24}`,
		"time": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`,
		"jwt":  `JWT eyJ[\w-]+\.[\w-]+\.[\w-]+`,
	}
	holes   = regexp.MustCompile(`<(\w*)(?::(\w+))?>`)
	missing = regexp.MustCompile(`<\w+>`)
)

func newTranscript(url string) *transcript {
	return &transcript{visitor: visit(url), values: map[string]string{"u": random()}}
}

func (s *transcript) fill(text string) string {
	return holes.ReplaceAllStringFunc(text, func(hole string) string {
		if value, ok := s.values[hole[1:len(hole)-1]]; ok {
			return value
		}
		return hole
	})
}

// say sends a request with the token of that name, as the tutorial's clients send it: raw, with the scheme it came with.
func (s *transcript) say(t *testing.T, token, method, path, body string, headers ...string) answer {
	t.Helper()
	if token != "" {
		headers = append(headers, "Authorization", s.values[token])
	}
	var payload any
	if body != "" {
		payload = s.fill(body)
	}
	return s.call(t, method, "/api"+s.fill(path), payload, headers...)
}

// expect fails the test unless the answer is, byte for byte, the wanted one. It takes the new values.
func (s *transcript) expect(t *testing.T, status int, wanted string, a answer) {
	t.Helper()
	wanted = s.fill(wanted)
	if missing.MatchString(wanted) {
		t.Fatalf("an earlier step did not say what %s holds; this one says %s", wanted, a.body)
	}
	var pattern strings.Builder
	var names []string
	rest := wanted
	for hole := holes.FindStringSubmatchIndex(rest); hole != nil; hole = holes.FindStringSubmatchIndex(rest) {
		pattern.WriteString(regexp.QuoteMeta(rest[:hole[0]]) + "(" + kinds[rest[hole[4]:hole[5]]] + ")")
		names = append(names, rest[hole[2]:hole[3]])
		rest = rest[hole[1]:]
	}
	pattern.WriteString(regexp.QuoteMeta(rest))
	got := regexp.MustCompile("^" + pattern.String() + "\n?$").FindStringSubmatch(a.body)
	if a.status != status || got == nil {
		t.Fatalf("%d %s\nwant %d %s", a.status, a.body, status, wanted)
	}
	for i, name := range names {
		s.values[name] = got[i+1]
	}
}
