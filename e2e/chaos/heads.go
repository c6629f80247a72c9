package chaos

import (
	"context"
	"fmt"
	"net/http"

	"github.com/confab-chat/confab/pkg/client"
	"github.com/confab-chat/confab/pkg/peer"
)

// loseHead ends a message-svc between its answers to the last sends into the quiet rooms and the news of these to the inbox. Nobody writes
// there afterwards, so nothing but the repair moves their heads.
func loseHead(ctx context.Context, s *Scene) (string, error) {
	if err := s.await(ctx, s.changes/2); err != nil {
		return "", err
	}
	p := s.Process(peer.MessageService, 0)
	author, err := client.New(client.Options{
		URL: p.URL(), HTTP: &http.Client{Transport: s.crew.tries}, Tokens: client.Tokens{Access: s.crew.users[0].Tokens().Access},
	})
	if err != nil {
		return "", err
	}
	if err := s.crew.writeQuietly(ctx, author); err != nil { // from now on it remembers the member for 5 s
		return "", err
	}
	way := s.on(toMemberships)[0]
	way.Cut()
	if err := s.crew.writeQuietly(ctx, author); err != nil {
		return "", err
	}
	if err := p.Kill(); err != nil {
		return "", err
	}
	way.Heal()
	behind, err := s.crew.wrongInboxes(ctx, s.crew.quiet)
	if err == nil && len(behind) == 0 {
		err = errNothingTouched
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d lines of inboxes were behind", len(behind)), p.Restart(ctx)
}
