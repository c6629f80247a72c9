package peer

import (
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/fault"
)

// A lock takes no token but one that a key has signed for its service: a text that is put into a true token, in the place of any part of
// it, makes one that is refused, or the same user.
func FuzzLock(f *testing.F) {
	keys := Keys{make([]byte, minKeyLen), []byte(strings.Repeat("k", minKeyLen))}
	lock := Lock{Service: AuthService, Keys: keys}
	for _, text := range []string{"", "..", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", "eyJhbGciOiJIUzI1NiJ9.e30.", "\x00"} {
		f.Add(uint16(0), ^uint16(0), text)
	}
	f.Add(uint16(0), uint16(0), "") // the true token
	f.Add(uint16(0), uint16(0), "Bearer ")
	f.Add(uint16(40), uint16(1), "x")
	f.Fuzz(func(t *testing.T, at, cut uint16, text string) {
		issued, err := keys[1:].Token(AuthService, "ann")
		if err != nil {
			t.Fatal(err)
		}
		from := min(int(at), len(issued))
		spliced := issued[:from] + text + issued[min(from+int(cut), len(issued)):]
		who, err := lock.Verify(t.Context(), spliced)
		switch {
		case err != nil && (fault.From(err).Kind != fault.Unauthenticated || spliced == issued):
			t.Fatalf("%q is refused by %v", spliced, err)
		case err == nil && (who.UserID != "ann" || !strings.HasPrefix(spliced, issued[:strings.LastIndexByte(issued, '.')+1])):
			t.Fatalf("%q is taken for %+v", spliced, who)
		}
		if _, err := (Lock{Service: MessageService, Keys: keys}).Verify(t.Context(), spliced); err == nil {
			t.Fatalf("%q opens another service", spliced)
		}
	})
}
