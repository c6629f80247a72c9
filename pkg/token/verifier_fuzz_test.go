package token_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/broker"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/token"
	"github.com/confab-chat/confab/pkg/token/tokentest"
)

// A verifier takes no token but one whose header and claims were signed: a text that is put into a true token, in the place of any part
// of it, makes one that is refused, or the same identity.
func FuzzVerify(f *testing.F) {
	issuer := tokentest.New()
	v := token.NewVerifier(&peer.Peers{Auth: issuer}, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { v.Run(ctx, broker.NewMemory()) })
	f.Cleanup(func() { stop(); running.Wait() })
	for deadline := time.Now().Add(10 * time.Second); v.Ready() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			f.Fatal("no keys in time")
		}
	}
	issued := issuer.Token(f, "ada", time.Hour)
	want, err := v.Verify(ctx, issued)
	if err != nil {
		f.Fatal(err)
	}
	signed := issued[:strings.LastIndexByte(issued, '.')]
	whole := uint16(len(issued))
	claims := uint16(strings.IndexByte(issued, '.') + 1)
	for _, text := range []string{
		"", "a.b.c", "..", issued, issued + issued, "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJub25lIiwia2lkIjoidGVzdCJ9.eyJzdWIiOiJldmUifQ.",
		"eyJhbGciOiJIUzI1NiIsImtpZCI6InRlc3QifQ.eyJzdWIiOiJldmUifQ.AA", "\x00", strings.Repeat(".", 1000), "Bearer " + issued,
	} {
		f.Add(uint16(0), whole, text)
	}
	f.Add(uint16(0), uint16(0), "") // the true token
	f.Add(claims, uint16(1), "f")
	f.Add(claims, whole, "e30.")
	f.Add(whole-1, uint16(1), "A")
	f.Add(whole, uint16(0), "=")
	f.Fuzz(func(t *testing.T, at, cut uint16, text string) {
		from := min(int(at), len(issued))
		spliced := issued[:from] + text + issued[min(from+int(cut), len(issued)):]
		who, err := v.Verify(ctx, spliced)
		switch {
		case err != nil && fault.From(err).Kind != fault.Unauthenticated:
			t.Fatalf("%q is refused by %v", spliced, err)
		case err != nil && spliced == issued:
			t.Fatalf("a true token is refused by %v", err)
		case err == nil && (who != want || !strings.HasPrefix(spliced, signed+".")):
			t.Fatalf("%q is taken for %+v", spliced, who)
		}
	})
}
