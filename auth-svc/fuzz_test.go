package auth

import (
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzReadRefreshToken(f *testing.F) {
	k := &keyring{refresh: []byte("a secret of the test")}
	f.Add("")
	f.Add("..")
	f.Add(k.refreshToken("session", 1))
	f.Add(k.refreshToken("session.with.dots", 1<<62))
	f.Fuzz(func(t *testing.T, token string) {
		session, generation, ok := k.readRefreshToken(token)
		if ok && k.refreshToken(session, generation) != token {
			t.Errorf("%q is taken, though the token of %s, %d is another", token, session, generation)
		}
	})
}

func FuzzNormalEmail(f *testing.F) {
	for _, seed := range []string{"", "ann@example.com", " ANN@Example.com\n", "a@b", "\"a b\"@c", "a@[127.0.0.1]", "Ann <ann@example.com>", "é@ü", "a@b\r\nBcc: c@d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		email, err := normalEmail(text)
		if err != nil {
			return
		}
		if again, err := normalEmail(email); err != nil || again != email {
			t.Errorf("%q becomes %q, and that %q, %v", text, email, again, err)
		}
		if _, err := mail.ParseAddress(email); err != nil || !utf8.ValidString(email) || strings.ContainsAny(email, " \r\n\x00,;<>") {
			t.Errorf("%q is taken as %q", text, email)
		}
	})
}

func FuzzNormalName(f *testing.F) {
	for _, seed := range []string{"", " ", "Ann", " Ann \t Marie ", "A\x1fB", "\xff", "Åse", "İ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := normalName("first_name", text)
		if err != nil {
			return
		}
		if again, err := normalName("first_name", name); err != nil || again != name {
			t.Errorf("%q becomes %q, and that %q, %v", text, name, again, err)
		}
		if key := (User{FirstName: name, LastName: "B", ID: "x"}).nameKey(); strings.Count(key, nameKeySeparator) != 1 {
			t.Errorf("the key of %q is %q", name, key)
		}
	})
}

func FuzzDecodeHash(f *testing.F) {
	f.Add("")
	f.Add("$argon2id$v=19$m=0,t=0,p=0$$")
	f.Add(presentCost.encode(randomBytes(saltLen), randomBytes(hashLen)))
	f.Fuzz(func(t *testing.T, hash string) {
		cost, _, _, err := decodeHash(hash)
		if err == nil && (cost.passes == 0 || cost.threads == 0) {
			t.Errorf("%q has the cost %+v, which cannot be hashed at", hash, cost)
		}
	})
}

func FuzzLabelOf(f *testing.F) {
	f.Add("Mozilla/5.0 (X11)")
	f.Add(strings.Repeat("é", 150))
	f.Add("\xff\x00\n")
	f.Add(strings.Repeat("\xa9", 150)) // each of which grew
	f.Fuzz(func(t *testing.T, userAgent string) {
		if label := labelOf(userAgent); len(label) > maxLabel || !utf8.ValidString(label) || strings.ContainsAny(label, "\x00\n") {
			t.Errorf("%q becomes %q", userAgent, label)
		}
	})
}
